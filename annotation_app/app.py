"""Join the pages and the routes.

Start here: `streamlit run annotation_app/app.py`, or `oceanchat annotate`. The pages are in navigation.py,
the HTTP side in routes.py and sign_in.py.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from annotation_app import routes, session, sign_in

app = st.App(
    Path(__file__).with_name("navigation.py"),
    routes=[*sign_in.ROUTES, *routes.ROUTES],
    middleware=[Middleware(sign_in.RequireSignIn, has_other_sign_in=session.organization_sign_in_configured)],
)
