// One item and its answer form. All text arrives as data and is set as text, never as HTML.
// Answers go to the server by HTTP, so that every click either gets a receipt or is sent again:
// a page that has lost its websocket still saves.

const RETRY_DELAYS_MS = [500, 1000, 2000, 3000, 5000];
const IDLE_AFTER_MS = 60000;
const IGNORE_KEYS_MS = 250; // a key still held down from the item before is not an answer to this one

const instances = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".item");
  let itemView = instances.get(root);
  if (!itemView) {
    itemView = new ItemView(root);
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

class ItemView {
  constructor(root) {
    this.root = root;
    this.token = null;
    this.busy = false;
    this.onKey = (event) => this.key(event);
    this.onActivity = () => { this.lastActivity = Date.now(); };
    this.onLeave = () => this.sendDraft(true);
    document.addEventListener("keydown", this.onKey);
    for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll"]) {
      document.addEventListener(name, this.onActivity, { passive: true, capture: true });
    }
    window.addEventListener("pagehide", this.onLeave);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  stop() {
    document.removeEventListener("keydown", this.onKey);
    for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll"]) {
      document.removeEventListener(name, this.onActivity, { capture: true });
    }
    window.removeEventListener("pagehide", this.onLeave);
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
    const first = this.token === null;
    clearTimeout(this.draftTimer);
    clearTimeout(this.reloadTimer);
    this.token = data.token;
    this.busy = false;
    this.presentedAt = Date.now();
    this.lastActivity = Date.now();
    const stored = this.storedDraft();
    this.answers = { ...data.answers, ...(stored.answers || {}) };
    this.activeSeconds = stored.active || 0;
    this.controls = {};
    this.root.replaceChildren(this.heading(), this.main(), this.panel());
    this.root.dataset.token = data.token;
    this.root.classList.toggle("is-plain", !data.turns.length);
    this.title.focus({ preventScroll: true });
    if (!first) this.root.scrollIntoView({ block: "start" });
  }

  heading() {
    const { data } = this;
    const box = createElement("header", "heading");
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
      box.append(bar, createElement("p", "caption", data.caption));
    }
    this.title = createElement("h2", "title", data.title);
    this.title.tabIndex = -1;
    box.append(this.title);
    if (data.reference.length) {
      const list = createElement("dl", "reference");
      for (const [name, text, labeled] of data.reference) {
        const pair = createElement("div", labeled ? "labeled" : "");
        pair.append(createElement("dt", "", name), createElement("dd", "", text));
        list.append(pair);
      }
      box.append(list);
    }
    return box;
  }

  main() {
    const { data } = this;
    const box = createElement("div", "main");
    if (data.turns.length) {
      const list = createElement("ol", "turns");
      list.setAttribute("aria-label", "Dialogue");
      for (const turn of data.turns) {
        const line = createElement("li", turn.own ? "turn own" : "turn");
        line.append(createElement("span", "speaker", turn.speaker), createElement("p", "text", turn.text));
        list.append(line);
      }
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
    if (this.data.votes.length) form.append(this.votes());
    form.noValidate = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    for (const question of this.data.questions) {
      form.append(question.options.length ? this.choice(question) : this.freeText(question));
    }
    const row = createElement("div", "buttons");
    this.saveButton = createElement("button", "primary");
    this.saveButton.type = "submit";
    this.saveButton.setAttribute("aria-keyshortcuts", "Enter");
    this.saveButton.append(createElement("span", "", this.data.save), createElement("kbd", "", "Enter"));
    row.append(this.saveButton);
    for (const action of this.data.actions) {
      const button = createElement("button", "");
      button.type = "button";
      button.setAttribute("aria-keyshortcuts", action.key);
      button.append(createElement("span", "", action.label), createElement("kbd", "", action.key.toUpperCase()));
      button.addEventListener("click", () => this.act(action.name));
      row.append(button);
    }
    this.status = createElement("p", "status", this.receipt(this.data.receipt));
    this.status.setAttribute("role", "status");
    form.append(row, this.status);
    if (this.data.hint) form.append(createElement("p", "hint", this.data.hint));
    return form;
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
    const row = createElement("div", "options");
    for (const [value, label, key] of question.options) {
      const id = `${question.name}-${value}`;
      const option = createElement("label", "option");
      option.htmlFor = id;
      const input = createElement("input");
      Object.assign(input, { type: "radio", id, name: question.name, value });
      input.setAttribute("aria-keyshortcuts", key);
      input.checked = this.answers[question.name] === value;
      input.addEventListener("change", () => this.answer(question.name, value));
      option.append(input, createElement("span", "", label), createElement("kbd", "", key));
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
    Object.assign(area, { id: question.name, name: question.name, rows: question.required ? 4 : 3, maxLength: 5000 });
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
    try {
      sessionStorage.setItem(`draft:${this.token}`, JSON.stringify({ answers: this.answers, active: this.activeSeconds }));
      this.dirty = true;
    } catch { /* a full or forbidden storage: the server's draft remains */ }
  }

  sendDraft(leaving) {
    if (!this.dirty || this.busy || !this.token) return;
    this.dirty = false;
    this.post("draft", { token: this.token, answers: this.answers }, leaving).catch(() => { this.dirty = true; });
  }

  post(route, body, leaving) {
    const headers = { "Content-Type": "application/json" };
    if (this.data.signIn) headers["X-Sign-In"] = this.data.signIn;
    return fetch(`${this.data.base}/annotation/${route}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "same-origin",
      keepalive: Boolean(leaving),
      signal: leaving ? undefined : AbortSignal.timeout(8000),
    });
  }

  tick() {
    if (document.visibilityState === "visible" && Date.now() - this.lastActivity < IDLE_AFTER_MS) this.activeSeconds += 1;
  }

  async save() {
    if (this.busy) return;
    const missing = this.data.questions.find((q) => q.required && !(this.answers[q.name] || "").trim());
    if (missing) {
      this.setStatus(`Please answer: ${missing.label}`, true);
      const control = this.controls[missing.name].querySelector("input, textarea");
      return control.focus();
    }
    this.busy = true;
    this.saveButton.disabled = true;
    this.setStatus("Saving …");
    const token = this.token;
    const body = { token, answers: this.answers, active_seconds: this.activeSeconds };
    for (let attempt = 0; ; attempt += 1) {
      let response = null;
      try {
        response = await this.post("label", body, false);
      } catch { /* no server: the loop sends it again */ }
      if (this.token !== token) return;
      if (response && response.ok) return this.saved(token, await response.json());
      if (response && response.status < 500) return this.rejected(response);
      this.setStatus("No connection. Your answer is stored here and sent again …", true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)]));
    }
  }

  saved(token, receipt) {
    try { sessionStorage.removeItem(`draft:${token}`); } catch { /* nothing was stored */ }
    this.dirty = false;
    this.setStatus(this.receipt(receipt));
    this.trigger("saved", token);
    // A server that was restarted, or a session it forgot, drops the trigger: the label is safe, so reload.
    this.reloadTimer = setTimeout(() => { if (this.token === token) window.location.reload(); }, 4000);
  }

  async rejected(response) {
    this.busy = false;
    this.saveButton.disabled = false;
    let message = "The answer was not accepted.";
    try { message = (await response.json()).error || message; } catch { /* no message in the response */ }
    this.setStatus(message, true);
    if (response.status === 401) {
      this.sendDraft(false);
      const link = createElement("a", "", " Sign in again");
      link.href = `${this.data.base}/login`;
      this.status.append(link);
    } else if (/comment/.test(message) && this.controls.comment) {
      this.controls.comment.querySelector("textarea").focus();
    }
  }

  act(name) {
    if (this.busy) return;
    this.sendDraft(true);
    this.trigger("action", name);
  }

  // --- keyboard --------------------------------------------------------------------------------------------

  key(event) {
    const target = event.composedPath()[0];
    const typing = target && (target.tagName === "TEXTAREA" || (target.tagName === "INPUT" && target.type !== "radio"));
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) this.save();
      return;
    }
    if (typing) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (Date.now() - this.presentedAt < IGNORE_KEYS_MS) return;
    if (event.key === "Enter") {
      if (target && ["BUTTON", "A", "SUMMARY"].includes(target.tagName)) return;
      event.preventDefault();
      return this.save();
    }
    const key = event.key.toLowerCase();
    for (const question of this.data.questions) {
      for (const [value, , shortcut] of question.options) {
        if (key !== shortcut) continue;
        event.preventDefault();
        const input = this.controls[question.name].querySelector(`input[value="${value}"]`);
        input.checked = true;
        input.focus({ preventScroll: true });
        return this.answer(question.name, value);
      }
    }
    if (key === "k" && this.controls.comment) {
      event.preventDefault();
      return this.controls.comment.querySelector("textarea").focus();
    }
    const action = this.data.actions.find((candidate) => candidate.key === key);
    if (action) {
      event.preventDefault();
      this.act(action.name);
    }
  }
}
