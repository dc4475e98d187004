// One item and its answer form. All text arrives as data and is set as text, never as HTML.
// Answers go to the server by HTTP, so that every click either gets a receipt or is sent again:
// a page that has lost its websocket still saves, and loads itself anew where the session forgot it.

const RETRY_DELAYS_MS = [500, 1000, 2000, 3000, 5000];
const IDLE_AFTER_MS = 60000;
const IGNORE_KEYS_MS = 250; // a key still held down from the item before is not an answer to this one
const RELOAD_AFTER_MS = 4000; // a server that was restarted, or a session it forgot, drops what the page reports
const ACTIVITY = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll"];

const instances = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".item");
  let itemView = instances.get(root);
  if (!itemView) {
    itemView = component.data.talk ? new ConversationView(root) : new ItemView(root);
    instances.set(root, itemView);
  }
  itemView.update(data, setTriggerValue);
  return () => {
    itemView.stop();
    instances.delete(root);
  };
}

function createElement(tag, className, text) {
  const element = document.createElement(tag);
  if (tag === "kbd") element.setAttribute("aria-hidden", "true"); // the control has aria-keyshortcuts
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// The Latin letter or digit of a key: where a layout types none (AZERTY's digit row, Cyrillic, Greek), the one
// that is printed there on most keyboards.
function latinKey(event) {
  const key = event.key.toLowerCase();
  if (/^[a-z0-9?]$/.test(key)) return key;
  const match = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code || "");
  return match ? match[1].toLowerCase() : key;
}

class ItemView {
  constructor(root) {
    this.root = root;
    this.token = null;
    this.busy = false;
    this.writing = new Writing(root);
    this.onKey = (event) => this.key(event);
    this.onActivity = () => { this.lastActivity = Date.now(); };
    this.onLeave = () => { if (document.visibilityState === "hidden") this.leave(); };
    this.onPageHide = () => this.leave();
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("visibilitychange", this.onLeave);
    for (const name of ACTIVITY) document.addEventListener(name, this.onActivity, { passive: true, capture: true });
    window.addEventListener("pagehide", this.onPageHide);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  stop() {
    this.writing.stop();
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("visibilitychange", this.onLeave);
    for (const name of ACTIVITY) document.removeEventListener(name, this.onActivity, { capture: true });
    window.removeEventListener("pagehide", this.onPageHide);
    clearInterval(this.clock);
    clearTimeout(this.draftTimer);
    clearTimeout(this.reloadTimer);
  }

  update(data, trigger) {
    this.trigger = trigger;
    const changed = data.token !== this.token;
    this.data = data;
    if (changed) this.build();
  }

  // --- display ---------------------------------------------------------------------------------------------

  build() {
    const data = this.data;
    clearTimeout(this.draftTimer);
    clearTimeout(this.reloadTimer);
    this.token = data.token;
    this.busy = false;
    this.dirty = false;
    this.presentedAt = Date.now();
    this.lastActivity = Date.now();
    const stored = this.storedDraft();
    this.unsaved = data.unsaved;
    if (stored.answers && !data.stored) this.answers = { ...data.answers, ...stored.answers };
    else {
      this.answers = { ...data.answers };
      if (stored.answers && !this.sameAnswers(stored.answers, data.answers)) this.unsaved = stored.answers;
    }
    this.activeSeconds = Math.max(stored.active || 0, data.activeSeconds || 0);
    this.sentSeconds = this.activeSeconds;
    this.controls = {};
    this.root.replaceChildren(this.heading(), this.main(), this.panel());
    this.root.dataset.token = data.token;
    this.root.classList.toggle("is-plain", !data.turns.length && !data.talk);
    // Where there is nothing but text to write and a mouse or keyboard at hand, the cursor is in the first box:
    // what is typed at once would be lost, and the next tab would lead past the box.
    const writing = !data.turns.length && !data.talk && matchMedia("(pointer: fine)").matches;
    if (!this.writing.resume(this.token)) ((writing && this.root.querySelector("textarea")) || this.title).focus({ preventScroll: true });
    this.showStart();
    requestAnimationFrame(() => this.showStart()); // once what was on the page before is gone
  }

  // An item is read from its start; on a narrow page what is said of an answer stands below the dialogue.
  showStart() {
    const margin = parseFloat(getComputedStyle(this.root).scrollMarginTop);
    if (this.root.getBoundingClientRect().top < margin) this.root.scrollIntoView({ block: "start" });
    if (this.data.feedback) this.form.scrollIntoView({ block: "nearest" });
  }

  sameAnswers(one, other) {
    return this.data.questions.every(({ name }) => (one[name] || "").trim() === (other[name] || "").trim());
  }

  heading() {
    const { data } = this;
    const box = createElement("header", "heading");
    const line = createElement("div", "head-line");
    this.title = createElement("h2", "title", data.title);
    this.title.tabIndex = -1;
    line.append(this.title);
    if (data.caption) line.append(createElement("p", "caption", data.caption));
    const help = createElement("button", "help");
    help.type = "button";
    help.setAttribute("aria-keyshortcuts", "?");
    help.append(createElement("span", "", "Keys"), createElement("kbd", "", "?"));
    help.addEventListener("click", () => this.keys.showModal());
    line.append(help);
    box.append(line);
    if (data.progress) {
      const bar = createElement("div", "progress");
      const fill = createElement("span");
      fill.style.width = `${(100 * data.progress[0]) / Math.max(1, data.progress[1])}%`;
      bar.append(fill);
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-label", "Progress");
      bar.setAttribute("aria-valuemin", "0");
      bar.setAttribute("aria-valuenow", String(data.progress[0]));
      bar.setAttribute("aria-valuemax", String(data.progress[1]));
      box.append(bar);
    }
    box.append(this.keyList());
    return box;
  }

  keyList() {
    this.keys = createElement("dialog", "keys");
    this.keys.setAttribute("aria-label", "Keys");
    const rows = this.answerKeys();
    if (this.data.questions.some((question) => question.name === "comment")) rows.push(["k", "Go to the comment"], ["Esc", "Leave the comment"]);
    if (this.data.questions.length) rows.push(["Enter", this.data.save], ["Ctrl+Enter", `${this.data.save}, from a text box too`]);
    for (const action of this.data.actions) rows.push([action.key === "enter" ? "Enter" : action.key, action.label]);
    rows.push(["?", "Show these keys"]);
    const list = createElement("dl");
    for (const [key, what] of rows) {
      const pair = createElement("div");
      const term = createElement("dt");
      const cap = createElement("kbd", "", key);
      cap.removeAttribute("aria-hidden");
      term.append(cap);
      pair.append(term, createElement("dd", "", what));
      list.append(pair);
    }
    const close = createElement("button", "", "Close");
    close.addEventListener("click", () => this.keys.close());
    this.keys.append(createElement("h3", "", "Keys"), list, close);
    return this.keys;
  }

  answerKeys() {
    return this.data.questions.flatMap((question) =>
      question.options.map(([, label, key]) => [key, `${question.label} ${label}`]));
  }

  main() {
    const { data } = this;
    const box = createElement("div", "main");
    if (data.turns.length) {
      const list = createElement("ol", "turns");
      list.setAttribute("aria-label", "Dialogue");
      data.turns.forEach((turn, number) => {
        const line = createElement("li", turn.own ? "turn own" : "turn");
        const name = createElement("span", number < 2 ? "speaker" : "speaker unseen", turn.speaker);
        line.append(name, createElement("p", "text", turn.text));
        list.append(line);
      });
      box.append(list);
    }
    return box;
  }

  votes() {
    const votes = createElement("section", "votes");
    votes.append(createElement("h3", "", "The annotators' answers"));
    for (const vote of this.data.votes) {
      const box = createElement("div", "vote");
      box.append(createElement("strong", "", vote.value), createElement("span", "", vote.answers));
      if (vote.comment) box.append(createElement("p", "comment", vote.comment));
      votes.append(box);
    }
    return votes;
  }

  panel() {
    const form = createElement("form", "panel");
    this.form = form;
    form.noValidate = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    for (const text of this.data.notes) form.append(createElement("p", "notice", text));
    if (this.data.feedback) form.append(this.feedback());
    if (this.unsaved) form.append(this.unsavedNotice());
    if (this.data.votes.length) form.append(this.votes());
    for (const question of this.data.questions) {
      form.append(question.options.length ? this.choice(question) : this.freeText(question));
    }
    this.status = createElement("p", "status", this.receipt(this.data.receipt));
    this.status.setAttribute("role", "status");
    form.append(this.status, this.buttons());
    if (this.data.hint) form.append(createElement("p", "hint", this.data.hint));
    return form;
  }

  buttons() {
    const row = createElement("div", "buttons");
    if (this.data.questions.length) {
      this.saveButton = createElement("button", "primary");
      this.saveButton.type = "submit";
      // Where there are text boxes alone, Enter is a new line in all of them.
      const written = this.data.questions.every((question) => !question.options.length);
      this.saveButton.setAttribute("aria-keyshortcuts", written ? "Control+Enter" : "Enter");
      this.saveButton.append(createElement("span", "", this.data.save), createElement("kbd", "", written ? "Ctrl+Enter" : "Enter"));
      row.append(this.saveButton);
    }
    for (const action of this.data.actions) {
      const button = createElement("button", action.key === "enter" ? "primary" : "");
      button.type = "button";
      button.setAttribute("aria-keyshortcuts", action.key);
      const cap = action.key === "enter" ? "Enter" : action.key.toUpperCase();
      button.append(createElement("span", "", action.label), createElement("kbd", "", cap));
      button.addEventListener("click", () => this.act(action));
      row.append(button);
    }
    return row;
  }

  feedback() {
    const { heading, rows, why, score } = this.data.feedback;
    const box = createElement("section", "feedback");
    box.append(createElement("h3", "", heading));
    const list = createElement("dl");
    for (const [question, given, known] of rows) {
      const pair = createElement("div", given === known || !known ? "right" : "wrong");
      const words = !known ? given : given === known ? `${given}, as it should be` : `You: ${given}. Right: ${known}`;
      pair.append(createElement("dt", "", question), createElement("dd", "", words));
      list.append(pair);
    }
    box.append(list, createElement("p", "", why), createElement("p", "hint", score));
    return box;
  }

  unsavedNotice() {
    const box = createElement("section", "notice");
    const parts = this.data.questions
      .filter(({ name }) => (this.unsaved[name] || "").trim())
      .map(({ name, label, options }) => {
        const option = options.find(([value]) => value === this.unsaved[name]);
        return `${label} ${option ? option[1] : `“${this.unsaved[name]}”`}`;
      });
    box.append(createElement("strong", "", "Not saved"), createElement("p", "", `You also gave: ${parts.join(" · ") || "no answer"}. Below is what is saved.`));
    const row = createElement("div", "buttons");
    const use = createElement("button", "", "Use these answers");
    use.type = "button";
    use.addEventListener("click", () => this.useUnsaved());
    const drop = createElement("button", "", "Drop them");
    drop.type = "button";
    drop.addEventListener("click", () => this.dropUnsaved());
    row.append(use, drop);
    box.append(row);
    this.unsavedBox = box;
    return box;
  }

  useUnsaved() {
    this.answers = { ...this.unsaved };
    this.unsaved = null;
    for (const question of this.data.questions) {
      const value = this.answers[question.name] || "";
      for (const input of this.controls[question.name].querySelectorAll("input")) input.checked = input.value === value;
      const area = this.controls[question.name].querySelector("textarea");
      if (area) area.value = value;
    }
    this.unsavedBox.remove();
    this.setStatus("Not saved yet: save the change to keep it.");
    this.storeDraft();
    this.title.focus({ preventScroll: true });
  }

  dropUnsaved() {
    this.unsaved = null;
    this.unsavedBox.remove();
    this.forgetDraft(this.token);
    this.post("draft", { token: this.token, answers: this.answers, active_seconds: this.activeSeconds }).catch(() => {});
    this.title.focus({ preventScroll: true });
  }

  receipt(receipt) {
    if (!receipt) return "";
    const time = new Date(receipt.saved * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    return `${receipt.text} · saved ${time}`;
  }

  choice(question) {
    const box = createElement("fieldset", "choice");
    box.append(createElement("legend", "", question.label));
    if (question.hint) box.append(createElement("p", "hint", question.hint));
    for (const [name, text] of question.more) {
      const more = createElement("details", "hint");
      more.append(createElement("summary", "", name), createElement("span", "", text));
      box.append(more);
    }
    const row = createElement("div", question.scale === "ordinal" ? "options scale" : "options");
    for (const [value, label, key] of question.options) {
      const id = `${question.name}-${value}`;
      const option = createElement("label", "option");
      option.htmlFor = id;
      const input = createElement("input");
      Object.assign(input, { type: "radio", id, name: question.name, value });
      input.setAttribute("aria-keyshortcuts", key);
      input.checked = this.answers[question.name] === value;
      input.addEventListener("change", () => this.answer(question.name, value));
      // After a click the arrow keys scroll: only who came here by Tab changes an answer with them.
      option.addEventListener("pointerup", () => setTimeout(() => this.title.focus({ preventScroll: true })));
      option.append(input, createElement("span", "", label));
      if (key !== label) option.append(createElement("kbd", "", key));
      row.append(option);
    }
    box.append(row);
    this.controls[question.name] = box;
    return box;
  }

  freeText(question) {
    const box = createElement("div", "free-text");
    const label = createElement("label", "", question.label);
    label.htmlFor = question.name;
    const area = createElement("textarea");
    Object.assign(area, { id: question.name, name: question.name, rows: question.required ? 4 : 2, maxLength: 5000 });
    area.value = this.answers[question.name] || "";
    area.addEventListener("input", () => this.answer(question.name, area.value));
    box.append(label);
    if (question.hint) {
      const hint = createElement("p", "hint", question.hint);
      hint.id = `${question.name}-hint`;
      area.setAttribute("aria-describedby", hint.id);
      box.append(hint);
    }
    box.append(area);
    this.controls[question.name] = box;
    return box;
  }

  setStatus(text, bad) {
    this.status.textContent = text;
    this.status.classList.toggle("bad", Boolean(bad));
  }

  // --- answers and drafts ----------------------------------------------------------------------------------

  answer(name, value) {
    this.answers[name] = value;
    if (name === this.askedFor) {
      this.askedFor = null;
      this.setStatus("");
    }
    this.storeDraft();
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => this.sendDraft(false), 300);
  }

  storedDraft() {
    try {
      return JSON.parse(sessionStorage.getItem(`draft:${this.token}`) || "{}");
    } catch {
      return {};
    }
  }

  storeDraft() {
    this.dirty = true;
    try {
      sessionStorage.setItem(`draft:${this.token}`, JSON.stringify({ answers: this.answers, active: this.activeSeconds }));
    } catch { /* a full or forbidden storage: the server's draft remains */ }
  }

  forgetDraft(token) {
    try { sessionStorage.removeItem(`draft:${token}`); } catch { /* nothing was stored */ }
    this.dirty = false;
  }

  // The time spent is sent too, so that it outlives the tab; over a stored answer only once it was changed.
  leave() {
    if (!this.data.stored && this.activeSeconds > this.sentSeconds + 4) this.dirty = true;
    this.sendDraft(true);
  }

  sendDraft(leaving) {
    if (!this.dirty || this.busy || !this.token || !this.data.questions.length) return;
    this.dirty = false;
    this.sentSeconds = this.activeSeconds;
    const token = this.token;
    this.post("draft", { token, answers: this.answers, active_seconds: this.activeSeconds }, leaving)
      .then((response) => (response.ok ? response.json() : {}))
      .then((answer) => { if (answer.saved === false && this.token === token && !this.busy) this.elsewhere(answer); })
      .catch(() => { this.dirty = true; });
  }

  post(route, body, leaving, limit = 8000) {
    const headers = { "Content-Type": "application/json" };
    if (this.data.signIn) headers["X-Sign-In"] = this.data.signIn;
    return fetch(`${this.data.base}/annotation/${route}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "same-origin",
      keepalive: Boolean(leaving),
      signal: leaving ? undefined : AbortSignal.timeout(limit),
    });
  }

  tick() {
    if (document.visibilityState === "visible" && Date.now() - this.lastActivity < IDLE_AFTER_MS) this.activeSeconds += 1;
  }

  async save() {
    if (this.busy || !this.data.questions.length) return;
    const missing = this.data.questions.find((q) => q.required && !(this.answers[q.name] || "").trim());
    this.askedFor = missing ? missing.name : null;
    if (missing) {
      this.setStatus(`Please answer: ${missing.label}`, true);
      const area = this.controls[missing.name].querySelector("textarea");
      return area ? area.focus() : this.controls[missing.name].scrollIntoView({ block: "nearest" });
    }
    const body = { token: this.token, answers: this.answers, active_seconds: this.activeSeconds };
    const receipt = await this.send("label", body, "Saving …");
    if (receipt) this.saved(body.token, receipt);
  }

  // Send until there is an answer; null where it was refused, or the page shows something else by now.
  async send(route, body, doing) {
    this.busy = true;
    clearTimeout(this.draftTimer);
    if (this.saveButton) this.saveButton.disabled = true;
    this.setStatus(doing);
    const token = this.token;
    for (let attempt = 0; ; attempt += 1) {
      let response = null;
      try {
        response = await this.post(route, body, false);
      } catch { /* no server: the loop sends it again */ }
      if (this.token !== token) return null;
      if (response && response.ok) return response.json();
      if (response && response.status < 500) {
        await this.rejected(response);
        return null;
      }
      this.setStatus("No connection. Your answer is stored here and sent again …", true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)]));
    }
  }

  saved(token, receipt) {
    this.forgetDraft(token);
    this.setStatus(this.receipt(receipt));
    this.report("saved", token, "");
  }

  // Tell the page; where it does not react, load what comes next.
  report(name, value, item) {
    const token = this.token;
    this.busy = true;
    this.trigger(name, value);
    const search = item ? `?item=${encodeURIComponent(item)}` : "";
    this.reloadTimer = setTimeout(() => {
      if (this.token === token) window.location.assign(`${window.location.pathname}${search}`);
    }, RELOAD_AFTER_MS);
  }

  async rejected(response) {
    this.busy = false;
    if (this.saveButton) this.saveButton.disabled = false;
    let answer = {};
    try { answer = await response.json(); } catch { /* no message in the response */ }
    if (answer.assignment) return this.elsewhere(answer);
    const message = answer.error || "The answer was not accepted.";
    this.setStatus(message, true);
    if (response.status === 401) {
      this.dirty = true;
      const link = createElement("a", "", " Sign in again");
      link.href = `${this.data.base}/login`;
      this.status.append(link);
    } else if (/comment/.test(message) && this.controls.comment) {
      this.controls.comment.querySelector("textarea").focus();
    }
  }

  // The item was answered in another tab: say so, keep what is here, and offer to compare.
  elsewhere(answer) {
    const message = answer.error || "This item was answered in another tab or window. What you give here is not saved: open the item again to compare.";
    this.setStatus(message, true);
    const open = createElement("button", "link", "Open it again");
    open.type = "button";
    open.addEventListener("click", () => this.report("action", { name: "open", item: answer.assignment }, answer.assignment));
    this.status.append(" ", open);
  }

  async act(action) {
    if (this.busy) return;
    if (action.later) this.sendDraft(true);
    if (action.undo || action.later) {
      const [route, doing] = action.undo ? ["undo", "Taking it back …"] : ["later", "Putting it off …"];
      const done = await this.send(route, { token: action.undo || action.later, answers: {} }, doing);
      if (done) this.report("action", { name: action.name, item: "" }, "");
      return;
    }
    this.sendDraft(true);
    this.report("action", { name: action.name, item: action.item }, action.item);
  }

  // --- keyboard --------------------------------------------------------------------------------------------

  key(event) {
    if (this.keys.open) return;
    const target = this.writing.target(event);
    // A key for the item closes a window over it, so that one sees what it does; the others are the window's own.
    if (isInWindow(target) && (event.key.length > 1 || event.key === " ")) return;
    if (isInWindow(target)) closeWindow();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) this.save();
      return;
    }
    if (isTextBox(target)) {
      if (target !== event.composedPath()[0]) this.writing.type(event);
      else if (event.key === "Escape") this.title.focus({ preventScroll: true });
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (Date.now() - this.presentedAt < IGNORE_KEYS_MS) return;
    if (event.key === "Enter" && target && ["BUTTON", "A", "SUMMARY"].includes(target.tagName)) return;
    const key = event.key === "Enter" ? "enter" : latinKey(event);
    const press = this.shortcut(key);
    if (!press) return;
    event.preventDefault();
    press();
  }

  shortcut(key) {
    if (key === "?") return () => this.keys.showModal();
    const choose = this.chosenBy(key);
    if (choose) return choose;
    if (key === "k" && this.controls.comment) return () => this.writing.begin(this.controls.comment.querySelector("textarea"));
    const action = this.data.actions.find((candidate) => candidate.key === key);
    if (action) return () => this.act(action);
    return key === "enter" && this.data.questions.length ? () => this.save() : null;
  }

  chosenBy(key) {
    for (const question of this.data.questions) {
      for (const [value, , shortcut] of question.options) {
        if (key === shortcut) return () => this.choose(question.name, value);
      }
    }
    return null;
  }

  // The focus goes to the heading, from where arrow keys scroll: on the radio they would change the answer.
  choose(name, value) {
    this.controls[name].querySelector(`input[value="${value}"]`).checked = true;
    this.title.focus({ preventScroll: true });
    this.answer(name, value);
  }
}
