"""Start here: `streamlit run annotation_app/app.py`, or `oceanchat annotate`.

The pages are in shell.py, the HTTP side in door.py; this file only joins them.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from annotation_app import routes as door
from annotation_app import session

app = st.App(
    Path(__file__).with_name("shell.py"),
    routes=door.ROUTES,
    middleware=[Middleware(door.SignInFirst, other_ways=session.organisation_signs_in)],
)
