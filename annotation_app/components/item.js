// One item and its answer form. All text arrives as data and is set as text, never as HTML.
// Answers go to the server by HTTP, so that a click is either answered with a receipt or sent again:
// a page whose websocket is gone still saves.

const KEEP_TRYING_MS = [500, 1000, 2000, 3000, 5000];
const IDLE_AFTER_MS = 60000;
const SETTLE_MS = 250; // a key held down over from the item before is not an answer to this one

const instances = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".item");
  let view = instances.get(root);
  if (!view) {
    view = new ItemView(root);
    instances.set(root, view);
  }
  view.update(data, setTriggerValue);
  return () => {
    view.stop();
    instances.delete(root);
  };
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (tag === "kbd") element.setAttribute("aria-hidden", "true"); // the control says it by aria-keyshortcuts
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

  // --- what is shown ---------------------------------------------------------------------------------------

  build() {
    const data = this.data;
    const first = this.token === null;
    clearTimeout(this.draftTimer);
    clearTimeout(this.reloadTimer);
    this.token = data.token;
    this.busy = false;
    this.shownAt = Date.now();
    this.lastActivity = Date.now();
    const kept = this.local();
    this.answers = { ...data.answers, ...(kept.answers || {}) };
    this.active = kept.active || 0;
    this.controls = {};
    this.root.replaceChildren(this.heading(), this.main(), this.panel());
    this.root.dataset.token = data.token;
    this.root.classList.toggle("is-plain", !data.turns.length);
    this.heading_.focus({ preventScroll: true });
    if (!first) this.root.scrollIntoView({ block: "start" });
  }

  heading() {
    const { data } = this;
    const box = make("header", "heading");
    if (data.progress) {
      const bar = make("div", "progress");
      const fill = make("span");
      fill.style.width = `${(100 * data.progress[0]) / Math.max(1, data.progress[1])}%`;
      bar.append(fill);
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-label", "Progress");
      bar.setAttribute("aria-valuemin", "0");
      bar.setAttribute("aria-valuenow", String(data.progress[0]));
      bar.setAttribute("aria-valuemax", String(data.progress[1]));
      box.append(bar, make("p", "above", data.above));
    }
    this.heading_ = make("h2", "title", data.title);
    this.heading_.tabIndex = -1;
    box.append(this.heading_);
    if (data.reference.length) {
      const list = make("dl", "reference");
      for (const [name, text, here] of data.reference) {
        const pair = make("div", here ? "here" : "");
        pair.append(make("dt", "", name), make("dd", "", text));
        list.append(pair);
      }
      box.append(list);
    }
    return box;
  }

  main() {
    const { data } = this;
    const box = make("div", "main");
    if (data.turns.length) {
      const list = make("ol", "turns");
      list.setAttribute("aria-label", "Dialogue");
      for (const turn of data.turns) {
        const line = make("li", turn.own ? "turn own" : "turn");
        line.append(make("span", "who", turn.who), make("p", "text", turn.text));
        list.append(line);
      }
      box.append(list);
    }
    return box;
  }

  votes() {
    const votes = make("section", "votes");
    votes.append(make("h3", "", "What the annotators said"));
    for (const vote of this.data.votes) {
      const one = make("div", "vote");
      one.append(make("strong", "", vote.value), make("span", "", vote.answers));
      if (vote.comment) one.append(make("p", "comment", vote.comment));
      votes.append(one);
    }
    return votes;
  }

  panel() {
    const form = make("form", "panel");
    if (this.data.votes.length) form.append(this.votes());
    form.noValidate = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    for (const question of this.data.questions) {
      form.append(question.options.length ? this.choice(question) : this.words(question));
    }
    const row = make("div", "buttons");
    this.saveButton = make("button", "primary");
    this.saveButton.type = "submit";
    this.saveButton.setAttribute("aria-keyshortcuts", "Enter");
    this.saveButton.append(make("span", "", this.data.save), make("kbd", "", "Enter"));
    row.append(this.saveButton);
    for (const action of this.data.actions) {
      const button = make("button", "");
      button.type = "button";
      button.setAttribute("aria-keyshortcuts", action.key);
      button.append(make("span", "", action.label), make("kbd", "", action.key.toUpperCase()));
      button.addEventListener("click", () => this.act(action.name));
      row.append(button);
    }
    this.status = make("p", "status", this.receipt(this.data.receipt));
    this.status.setAttribute("role", "status");
    form.append(row, this.status);
    if (this.data.hint) form.append(make("p", "hint", this.data.hint));
    return form;
  }

  receipt(receipt) {
    if (!receipt) return "";
    const when = new Date(receipt.saved * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    return `${receipt.text} · saved ${when}`;
  }

  choice(question) {
    const box = make("fieldset", "choice");
    box.append(make("legend", "", question.label));
    if (question.hint) box.append(make("p", "hint", question.hint));
    const row = make("div", "options");
    for (const [value, label, key] of question.options) {
      const id = `${question.name}-${value}`;
      const option = make("label", "option");
      option.htmlFor = id;
      const input = make("input");
      Object.assign(input, { type: "radio", id, name: question.name, value });
      input.setAttribute("aria-keyshortcuts", key);
      input.checked = this.answers[question.name] === value;
      input.addEventListener("change", () => this.answer(question.name, value));
      option.append(input, make("span", "", label), make("kbd", "", key));
      row.append(option);
    }
    box.append(row);
    this.controls[question.name] = box;
    return box;
  }

  words(question) {
    const box = make("div", "words");
    const label = make("label", "", question.label);
    label.htmlFor = question.name;
    const area = make("textarea");
    Object.assign(area, { id: question.name, name: question.name, rows: question.required ? 4 : 3, maxLength: 5000 });
    area.value = this.answers[question.name] || "";
    area.addEventListener("input", () => this.answer(question.name, area.value));
    box.append(label);
    if (question.hint) {
      const hint = make("p", "hint", question.hint);
      hint.id = `${question.name}-hint`;
      area.setAttribute("aria-describedby", hint.id);
      box.append(hint);
    }
    box.append(area);
    this.controls[question.name] = box;
    return box;
  }

  say(text, bad) {
    this.status.textContent = text;
    this.status.classList.toggle("bad", Boolean(bad));
  }

  // --- answers and drafts ----------------------------------------------------------------------------------

  answer(name, value) {
    this.answers[name] = value;
    this.keep();
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => this.sendDraft(false), 300);
  }

  local() {
    try {
      return JSON.parse(sessionStorage.getItem(`draft:${this.token}`) || "{}");
    } catch {
      return {};
    }
  }

  keep() {
    try {
      sessionStorage.setItem(`draft:${this.token}`, JSON.stringify({ answers: this.answers, active: this.active }));
      this.dirty = true;
    } catch { /* a full or forbidden storage: the server's draft remains */ }
  }

  sendDraft(leaving) {
    if (!this.dirty || this.busy || !this.token) return;
    this.dirty = false;
    this.post("draft", { token: this.token, answers: this.answers }, leaving).catch(() => { this.dirty = true; });
  }

  post(what, body, leaving) {
    const headers = { "Content-Type": "application/json" };
    if (this.data.pass) headers["X-Sign-In"] = this.data.pass;
    return fetch(`${this.data.base}/annotation/${what}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "same-origin",
      keepalive: Boolean(leaving),
      signal: leaving ? undefined : AbortSignal.timeout(8000),
    });
  }

  tick() {
    if (document.visibilityState === "visible" && Date.now() - this.lastActivity < IDLE_AFTER_MS) this.active += 1;
  }

  async save() {
    if (this.busy) return;
    const missing = this.data.questions.find((q) => q.required && !(this.answers[q.name] || "").trim());
    if (missing) {
      this.say(`Please answer: ${missing.label}`, true);
      const control = this.controls[missing.name].querySelector("input, textarea");
      return control.focus();
    }
    this.busy = true;
    this.saveButton.disabled = true;
    this.say("Saving …");
    const token = this.token;
    const body = { token, answers: this.answers, active_seconds: this.active };
    for (let attempt = 0; ; attempt += 1) {
      let response = null;
      try {
        response = await this.post("label", body, false);
      } catch { /* no server: tried again below */ }
      if (this.token !== token) return;
      if (response && response.ok) return this.saved(token, await response.json());
      if (response && response.status < 500) return this.refused(response);
      this.say("No connection. Your answer is kept and sent again …", true);
      await new Promise((done) => setTimeout(done, KEEP_TRYING_MS[Math.min(attempt, KEEP_TRYING_MS.length - 1)]));
    }
  }

  saved(token, receipt) {
    try { sessionStorage.removeItem(`draft:${token}`); } catch { /* nothing was kept */ }
    this.dirty = false;
    this.say(this.receipt(receipt));
    this.trigger("saved", token);
    // A server that was restarted, or a session it forgot, drops the trigger: the label is safe, so start afresh.
    this.reloadTimer = setTimeout(() => { if (this.token === token) window.location.reload(); }, 4000);
  }

  async refused(response) {
    this.busy = false;
    this.saveButton.disabled = false;
    let said = "That was not taken.";
    try { said = (await response.json()).error || said; } catch { /* no words with it */ }
    this.say(said, true);
    if (response.status === 401) {
      this.sendDraft(false);
      const link = make("a", "", " Sign in again");
      link.href = `${this.data.base}/login`;
      this.status.append(link);
    } else if (/comment/.test(said) && this.controls.comment) {
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
    const inside = event.composedPath()[0];
    const typing = inside && (inside.tagName === "TEXTAREA" || (inside.tagName === "INPUT" && inside.type !== "radio"));
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) this.save();
      return;
    }
    if (typing) {
      if (event.key === "Escape") inside.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (Date.now() - this.shownAt < SETTLE_MS) return;
    if (event.key === "Enter") {
      if (inside && ["BUTTON", "A", "SUMMARY"].includes(inside.tagName)) return;
      event.preventDefault();
      return this.save();
    }
    const key = event.key.toLowerCase();
    for (const question of this.data.questions) {
      for (const [value, , wanted] of question.options) {
        if (key !== wanted) continue;
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
    const action = this.data.actions.find((one) => one.key === key);
    if (action) {
      event.preventDefault();
      this.act(action.name);
    }
  }
}
