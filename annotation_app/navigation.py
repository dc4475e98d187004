"""Choose the page that Streamlit runs.

Streamlit runs this script at every click: it looks up who is signed in and offers the pages of their role.
"""

import html

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.drawer import close_after_choice
from annotation_app.sign_in import base_path
from annotation_app.views import agreement, disagreements, items, progress, qualify, rate, validate
from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.annotation.sample import has_sample
from oceanchat.errors import OceanChatError
from oceanchat.store.annotators import Annotator

_STYLE = """<style>
.stMainBlockContainer {max-width: 84rem; padding: 3.75rem 1.5rem 1rem;}
.stMainBlockContainer > .stVerticalBlock {gap: 0.75rem;}
.stMainBlockContainer h1 {font-size: 1.9rem;}
.stMainBlockContainer h2 {font-size: 1.5rem;}
.stMainBlockContainer h3 {font-size: 1.15rem;}
.stMarkdown {max-width: 46rem;}
.stHtml a {color: inherit;}
.stMarkdown blockquote {color: inherit; opacity: 1;}
.account {position: fixed; top: 0; right: 1rem; height: 3.75rem; z-index: 999991;
  display: flex; align-items: center; gap: 0.6rem; font-size: 0.9rem;}
.account span {max-width: 14rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;}
.st-key-drawer {display: none;}
.stAppViewContainer, .stAppViewContainer :has(> .stAppHeader), .stAppHeader {background-color: inherit;}
[data-testid="stCaptionContainer"] {color: inherit; opacity: 0.8;}
</style>"""


def pages_of(account: Annotator) -> list[st.Page]:
    """The pages of a role; each page checks the role again when it runs."""
    if account.role == "lead":
        return [
            st.Page(progress.page, title="Progress", url_path="progress", default=True),
            st.Page(agreement.page, title="Agreement", url_path="agreement"),
            st.Page(items.page, title="Items", url_path="items"),
            st.Page(disagreements.page, title="Disagreements", url_path="disagreements"),
            st.Page(qualify.guidelines_page, title="Guidelines", url_path="guidelines"),
        ]
    tasks = [st.Page(validate.page, title="Validate", url_path="validate", default=True)]
    if newest_evaluation(settings.store()) is not None:
        alone = not has_sample(settings.store())
        rating = st.Page(rate.page, title="Rate models", url_path="rate", default=alone)
        tasks = [rating] if alone else [*tasks, rating]
    return [
        *tasks,
        st.Page(qualify.guidelines_page, title="Guidelines", url_path="guidelines"),
    ]


def main() -> None:
    """Run the page that was asked for, or ask for a sign-in."""
    account = session.signed_in()
    if account is None:
        st.set_page_config(page_title="Sign in · OCEAN-Chat", layout="wide")
        st.html(_STYLE)
        return signed_out_page()
    page = st.navigation(pages_of(account), position="top")
    st.set_page_config(page_title=f"{page.title} · OCEAN-Chat", layout="wide")
    st.html(_STYLE)
    st.html(
        f"<div class='account'><span>{html.escape(account.name)}</span>"
        f"<a href='{base_path()}/logout' target='_self'>Sign out</a></div>"
    )
    close_after_choice()
    try:
        page.run()
    except OceanChatError as error:
        st.text(str(error))


def signed_out_page() -> None:
    """The page for visitors who are not signed in, or no longer."""
    st.navigation([st.Page(lambda: None, title="Sign in", url_path="welcome")], position="hidden")
    st.header("Please sign in")
    st.write("Your sign-in has ended, or you have not signed in yet. Everything you saved is stored.")
    st.html(f"<a href='{base_path()}/login' target='_self'>Sign in with name and passcode</a>")
    if session.organization_sign_in_configured():
        if st.user.is_logged_in:
            st.text(f"{st.user.get('email', '')} has no account here; ask the lead to add it.")
            st.button("Sign out", on_click=st.logout)
        else:
            st.button("Sign in with your organization", on_click=st.login)


if __name__ == "__main__":
    main()
