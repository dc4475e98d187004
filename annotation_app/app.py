"""Join the pages and the routes.

Start here: `streamlit run annotation_app/app.py`, or `oceanchat annotate`. The pages are in navigation.py,
the HTTP side in entrance.py, routes.py and sign_in.py. The server's settings are in .streamlit/config.toml
beside this file, which Streamlit reads from any folder.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from annotation_app import entrance, greeting, routes, session, sign_in

app = st.App(
    Path(__file__).with_name("navigation.py"),
    lifespan=greeting.greet,
    routes=[*sign_in.routes(), *routes.routes()],
    middleware=[Middleware(entrance.Entrance, has_other_sign_in=session.organization_sign_in_configured)],
)
