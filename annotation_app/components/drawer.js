// Streamlit closes the drawer of pages after a choice on phones alone, by their name; a narrow window on a
// desktop has the drawer too.
const NARROW = 768;

function closeDrawer(event) {
  const chosen = event.target.closest?.('[data-testid="stSidebarNavLink"]');
  if (!chosen || window.innerWidth >= NARROW) return;
  // After Streamlit's own handling: on a phone the drawer is closed then, and has no such button to press.
  setTimeout(() => {
    const drawer = document.querySelector('[data-testid="stSidebar"][data-collapsed="false"]');
    drawer?.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  });
}

export default function () {
  document.addEventListener("click", closeDrawer);
  return () => document.removeEventListener("click", closeDrawer);
}
