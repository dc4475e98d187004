// The text box that somebody writes in, and goes on writing in until they leave it: by Tab, Escape or a press
// elsewhere. Streamlit's window over a page that has lost its server takes the focus, and so does a page that is
// built anew; what is typed then is still text, and no key that answers or undoes.

const WINDOW = "[role=dialog]"; // Streamlit's; the list of keys is a <dialog>

const isTextBox = (node) => node instanceof HTMLTextAreaElement || (node instanceof HTMLInputElement && node.type !== "radio");
const isInWindow = (node) => node instanceof Element && Boolean(node.closest(WINDOW));

class Writing {
  constructor(root) {
    this.root = root;
    this.box = null;
    this.onMove = (event) => this.moved(event.composedPath()[0]);
    root.addEventListener("focusin", this.onMove); // the document hears nothing of moves within the component
    document.addEventListener("focusin", this.onMove, { capture: true });
    document.addEventListener("pointerdown", this.onMove, { capture: true });
  }

  stop() {
    this.root.removeEventListener("focusin", this.onMove);
    document.removeEventListener("focusin", this.onMove, { capture: true });
    document.removeEventListener("pointerdown", this.onMove, { capture: true });
  }

  moved(node) {
    if (isTextBox(node) && this.root.contains(node)) this.enter(node);
    else if (!isInWindow(node)) this.leave();
  }

  enter(box) {
    this.box = box;
    try { sessionStorage.setItem("writing", JSON.stringify([this.token, box.id])); } catch { /* until the next reload */ }
  }

  leave() {
    this.box = null;
    try { sessionStorage.removeItem("writing"); } catch { /* nothing was stored */ }
  }

  // Put the cursor at the end of the box that was written in when this item was last built; false where none was.
  resume(token) {
    this.box = null;
    this.token = token;
    let stored = [];
    try { stored = JSON.parse(sessionStorage.getItem("writing") || "[]"); } catch { /* as if nothing was stored */ }
    if (stored[0] !== token) return false;
    const box = [...this.root.querySelectorAll("textarea")].find(({ id }) => id === stored[1]);
    if (!box || !isOpen(box)) return false;
    box.focus({ preventScroll: true });
    box.setSelectionRange(box.value.length, box.value.length);
    return true;
  }

  // Where a key goes: back to the box where a window of Streamlit's, or nothing at all, has the focus.
  target(event) {
    const node = event.composedPath()[0];
    if (!this.box || isTextBox(node) || !(node === document.body || isInWindow(node))) return node;
    if (!isOpen(this.box)) {
      this.leave();
      return node;
    }
    if (isInWindow(node)) this.typeBehind(event);
    else this.box.focus({ preventScroll: true });
    return this.box;
  }

  // Nothing behind a window can have the focus: close it, so that one sees what one writes, and type by hand.
  typeBehind(event) {
    event.preventDefault();
    document.querySelector(`${WINDOW} button[aria-label=Close]`)?.click();
    const { selectionStart: start, selectionEnd: end } = this.box;
    const command = event.metaKey || (event.ctrlKey && !event.altKey); // AltGr is Ctrl and Alt to some systems
    if (event.key === "Backspace") this.box.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
    else if (event.key === "Enter" && !command) this.box.setRangeText("\n", start, end, "end");
    else if (event.key.length === 1 && !command) this.box.setRangeText(event.key, start, end, "end");
    else return;
    this.box.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function isOpen(box) {
  return box.isConnected && !box.disabled && box.getClientRects().length > 0;
}
