// The text box that somebody writes in, and goes on writing in until they leave it: by Tab, Escape or a press
// elsewhere. Streamlit's window over a page that has lost its server takes the focus, and so does a page that is
// built anew; what is typed then is still text, and no key that answers or undoes.

// Streamlit's, with the pane behind it, a press on which closes it; the list of keys is a <dialog>.
const WINDOW = "[role=dialog], [data-testid=stDialog]";
const CLOSE = "[role=dialog] button[aria-label=Close]";

const isTextBox = (node) => node instanceof HTMLTextAreaElement || (node instanceof HTMLInputElement && node.type !== "radio");
const isInWindow = (node) => node instanceof Element && Boolean(node.closest(WINDOW));

class Writing {
  constructor(root) {
    this.root = root;
    this.box = null;
    this.onMove = (event) => this.moved(event.composedPath()[0]);
    this.onPress = (event) => this.pressed(event.composedPath()[0]);
    this.onPaste = (event) => this.paste(event);
    root.addEventListener("focusin", this.onMove); // the document hears nothing of moves within the component
    document.addEventListener("focusin", this.onMove, { capture: true });
    document.addEventListener("mousedown", this.onPress, { capture: true });
    document.addEventListener("paste", this.onPaste);
  }

  stop() {
    this.root.removeEventListener("focusin", this.onMove);
    document.removeEventListener("focusin", this.onMove, { capture: true });
    document.removeEventListener("mousedown", this.onPress, { capture: true });
    document.removeEventListener("paste", this.onPaste);
  }

  moved(node) {
    if (isTextBox(node) && this.root.contains(node)) this.enter(node);
    else if (!isInWindow(node)) this.leave();
  }

  // A press leaves the box where it takes the focus away: one on a scroll bar does not.
  pressed(node) {
    if (isInWindow(node)) return;
    setTimeout(() => { if (this.box && this.root.getRootNode().activeElement !== this.box) this.leave(); });
  }

  enter(box) {
    this.box = box;
    try { sessionStorage.setItem("writing", JSON.stringify([this.token, box.id])); } catch { /* until the next reload */ }
  }

  // Behind a window that is closing a box cannot have the focus yet; it is written in all the same.
  begin(box) {
    this.enter(box);
    box.focus();
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

  // Where a key goes: back to the box where a window of Streamlit's, or nothing at all, has the focus. A window is
  // closed, so that one sees what one writes.
  target(event) {
    const node = event.composedPath()[0];
    if (!this.box || isTextBox(node) || !(node === document.body || isInWindow(node))) return node;
    if (!isOpen(this.box)) {
      this.leave();
      return node;
    }
    if (isInWindow(node)) closeWindow();
    else this.box.focus({ preventScroll: true });
    return this.box;
  }

  // Nothing behind a window can have the focus, so text is put in by hand; the browser's own keys (reload) stay its own.
  type(event) {
    if (!isInWindow(event.composedPath()[0])) return;
    const command = event.metaKey || (event.ctrlKey && !event.altKey); // AltGr is Ctrl and Alt to some systems
    if (event.key === "Backspace") this.erase();
    else if (event.key === "Enter") this.insert("\n");
    else if (event.key.length === 1 && !command) this.insert(event.key);
    else return;
    event.preventDefault();
  }

  paste(event) {
    const node = event.composedPath()[0];
    if (node === this.box || this.target(event) !== this.box || !isInWindow(node)) return;
    this.insert(event.clipboardData.getData("text"));
    event.preventDefault();
  }

  erase() {
    const { value, selectionStart: start, selectionEnd: end } = this.box;
    const last = [...value.slice(0, start)].pop() || ""; // an emoji is two units long
    this.put("", start === end ? start - last.length : start, end);
  }

  insert(text) {
    const { value, maxLength, selectionStart: start, selectionEnd: end } = this.box;
    this.put(text.slice(0, maxLength - value.length + end - start), start, end);
  }

  put(text, start, end) {
    this.box.setRangeText(text, start, end, "end");
    this.box.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function closeWindow() {
  document.querySelector(CLOSE)?.click();
}

function isOpen(box) {
  return box.isConnected && !box.disabled && box.getClientRects().length > 0;
}
