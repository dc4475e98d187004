// A conversation with a model above the scores for it: an item whose turns are still coming. item.js stands before
// this text in one script. A message is sent under the item's token and the number of its exchange until it has an
// answer, so that a reload, a second tab, a restart or a model that is away costs nothing.

const ANSWER_LIMIT_MS = 180000;
const EMPTY_ANSWER = "(an empty answer)";

class ConversationView extends ItemView {
  build() {
    const { talk } = this.data;
    this.exchanges = talk.exchanges;
    this.texts = new Map(); // "3 questioner" -> text
    for (const [number, role, text] of talk.turns) this.texts.set(`${number} ${role}`, text);
    this.talking = false;
    this.marked = null;
    super.build();
    this.dropSentMessage();
    this.mark();
    this.goOn();
    if (this.locked && this.answered) this.area.focus({ preventScroll: true });
  }

  stop() {
    super.stop();
    this.stopped = true;
  }

  get answered() {
    let count = 0;
    while (this.texts.has(`${count + 1} discloser`)) count += 1;
    return count;
  }

  get locked() { return this.answered < this.exchanges; }

  // A message that was stored and then found in the draft was sent just before a reload.
  dropSentMessage() {
    const { message } = this.answers;
    if (message === undefined) return;
    const sent = [this.answered, this.answered + 1].some((at) => this.texts.get(`${at} questioner`) === message.trim());
    if (!this.locked || sent) this.setMessage("");
  }

  // Ask for the answer that is due: to the starting question, or to a message that is stored already.
  goOn() {
    const number = this.answered + 1;
    const text = number === 1 ? this.data.talk.question : this.texts.get(`${number} questioner`);
    if (this.locked && text !== undefined) this.say(number, text);
  }

  // --- display ---------------------------------------------------------------------------------------------

  main() {
    const box = createElement("div", "main");
    if (this.data.reference.length) {
      const list = createElement("dl", "reference");
      for (const [level, text, here] of this.data.reference) {
        const row = createElement("div", here ? "here" : "");
        row.append(createElement("dt", "", level), createElement("dd", "", text));
        list.append(row);
      }
      box.append(list);
    }
    this.list = createElement("ol", "turns");
    this.list.setAttribute("aria-label", "Conversation");
    box.append(this.list);
    this.fillTurns();
    this.ask = this.composer();
    box.append(this.ask);
    this.ask.hidden = !this.locked;
    return box;
  }

  fillTurns() {
    this.list.replaceChildren();
    if (!this.texts.has("1 questioner")) this.addTurn(1, "questioner", this.data.talk.question);
    for (const [key, text] of this.texts) {
      const [number, role] = key.split(" ");
      this.addTurn(Number(number), role, text || EMPTY_ANSWER);
    }
  }

  addTurn(number, role, text) {
    const own = role === "discloser";
    const line = createElement("li", own ? "turn own" : "turn");
    const speaker = own ? "Model" : number === 1 ? "Question to start with" : "You";
    const bubble = createElement("p", "text", text);
    line.append(createElement("span", number === 1 ? "speaker" : "speaker unseen", speaker), bubble);
    this.list.append(line);
    return bubble;
  }

  composer() {
    const form = createElement("form", "ask");
    const label = createElement("label", "unseen", "Your message");
    label.htmlFor = "message";
    this.area = createElement("textarea");
    Object.assign(this.area, { id: "message", rows: 2, maxLength: 5000, value: this.answers.message || "" });
    this.area.addEventListener("input", () => this.answer("message", this.area.value));
    const button = createElement("button", "primary");
    button.type = "submit";
    button.append(createElement("span", "", "Send"), createElement("kbd", "", "Enter"));
    this.sendButton = button;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.sendMessage(); });
    form.append(label, this.area, button);
    this.announce();
    return form;
  }

  announce() {
    const number = Math.min(this.answered + 1, this.exchanges);
    this.area.placeholder = `Your message, ${number} of ${this.exchanges}`;
    this.sendButton.disabled = this.talking || number === 1;
  }

  panel() {
    const form = super.panel();
    this.lock = createElement("p", "lock");
    form.prepend(this.lock);
    this.showLock();
    return form;
  }

  showLock() {
    const { locked } = this;
    this.lock.hidden = !locked;
    this.lock.textContent = `Scores open after the last answer. ${this.answered} of ${this.exchanges} exchanges.`;
    for (const box of Object.values(this.controls)) {
      box.classList.toggle("dim", locked);
      for (const control of box.querySelectorAll("input, textarea")) control.disabled = locked;
      if (locked) box.setAttribute("aria-disabled", "true");
      else box.removeAttribute("aria-disabled");
    }
    if (this.saveButton) this.saveButton.disabled = locked || this.busy;
    if (!locked) for (const button of this.root.querySelectorAll("[aria-keyshortcuts=l]")) button.hidden = true;
  }

  freeText(question) {
    const box = super.freeText(question);
    box.querySelector("textarea").rows = 2;
    return box;
  }

  choice(question) {
    const box = super.choice(question);
    box.addEventListener("pointerdown", () => { this.marked = question.name; this.mark(); });
    return box;
  }

  // --- the talk --------------------------------------------------------------------------------------------

  setMessage(text) {
    this.area.value = text;
    if (text) return this.answer("message", text);
    delete this.answers.message;
    this.forgetDraft(this.token);
  }

  sendMessage() {
    const text = this.area.value.trim();
    if (!text || this.talking || !this.locked || this.answered === 0) return;
    clearTimeout(this.draftTimer);
    this.say(this.answered + 1, text);
  }

  // Send one message until it has its answer; what was typed is dropped once the server has it.
  async say(number, text) {
    const token = this.token;
    this.talking = true;
    this.announce();
    if (!this.texts.has(`${number} questioner`)) {
      this.texts.set(`${number} questioner`, text);
      if (number > 1) this.addTurn(number, "questioner", text);
    }
    if (number > 1) this.area.value = "";
    const bubble = this.addTurn(number, "discloser", "");
    bubble.classList.add("waiting");
    this.setStatus("The model is writing …");
    for (let attempt = 0; this.token === token && !this.stopped; attempt += 1) {
      bubble.textContent = "";
      let answer = null;
      try {
        const response = await this.post("say", { token, number, text }, false, ANSWER_LIMIT_MS);
        if (this.token !== token) return;
        if (response.ok) answer = await this.read(response, bubble, text);
        else if (response.status < 500) return this.refused(response, number, text);
      } catch { /* no server, or it went away: the loop sends it again */ }
      if (this.token !== token || this.stopped) return;
      if (answer && answer.answer !== undefined) return this.answeredWith(number, answer, bubble);
      this.setStatus(answer && answer.error ? answer.error : "No connection. Your message is stored here and sent again …", true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)]));
    }
  }

  // Show the pieces of an answer as they come; the last event is returned.
  async read(response, bubble, text) {
    if ((this.answers.message || "").trim() === text) this.setMessage(this.area.value);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let last = null;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return last;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        last = JSON.parse(event.slice("data: ".length));
        if (last.piece) {
          bubble.classList.remove("waiting");
          bubble.append(last.piece);
        }
      }
    }
  }

  answeredWith(number, { answer, saved }, bubble) {
    this.texts.set(`${number} discloser`, answer);
    bubble.classList.remove("waiting");
    bubble.textContent = answer || EMPTY_ANSWER;
    this.talking = false;
    this.announce();
    this.showLock();
    this.setStatus(this.receipt({ text: `Answer ${number} of ${this.exchanges}`, saved }));
    this.ask.hidden = !this.locked;
    this.mark();
    if (this.locked) this.area.focus({ preventScroll: true });
    else this.title.focus({ preventScroll: true });
    bubble.scrollIntoView({ block: "nearest" });
  }

  async refused(response, number, text) {
    this.talking = false;
    let answer = {};
    try { answer = await response.clone().json(); } catch { /* no message in the response */ }
    if (answer.held) {
      this.setStatus(answer.error, true);
      return this.report("action", { name: "next", item: "" }, "");
    }
    if (answer.turns) {
      this.texts = new Map(answer.turns.map(([at, role, words]) => [`${at} ${role}`, words]));
    } else if (number > 1) this.texts.delete(`${number} questioner`);
    this.fillTurns();
    const sent = [...this.texts.values()].includes(text);
    if (number > 1 && !sent && !this.area.value) this.setMessage(text);
    this.announce();
    this.showLock();
    this.ask.hidden = !this.locked;
    this.mark();
    await this.rejected(response);
    this.showLock();
    if (answer.turns) this.goOn();
  }

  async save() {
    if (this.locked) return this.setStatus(this.lock.textContent, true);
    return super.save();
  }

  // --- keyboard --------------------------------------------------------------------------------------------

  key(event) {
    if (this.writing.target(event) === this.area && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!event.repeat) this.sendMessage();
      return;
    }
    super.key(event);
  }

  choices() { return this.data.questions.filter((question) => question.options.length); }

  // Digits answer the question that is marked: the first without an answer, or the one that was gone back to.
  mark() {
    const open = this.choices().find((question) => !this.answers[question.name]);
    if (!this.marked && open) this.marked = open.name;
    for (const question of this.choices()) {
      const current = !this.locked && question.name === this.marked;
      this.controls[question.name].classList.toggle("current", current);
      if (current) this.controls[question.name].setAttribute("aria-current", "true");
      else this.controls[question.name].removeAttribute("aria-current");
    }
  }

  answer(name, value) {
    super.answer(name, value);
    if (!this.choices().some((question) => question.name === name)) return;
    this.marked = null;
    this.mark();
  }

  chosenBy(key) {
    if (this.locked) return null;
    if (key === "backspace") return () => this.goBack();
    const question = this.choices().find((each) => each.name === this.marked);
    const option = question && question.options.find(([, , shortcut]) => shortcut === key);
    return option ? () => this.choose(question.name, option[0]) : null;
  }

  goBack() {
    const names = this.choices().map((question) => question.name);
    const at = this.marked ? names.indexOf(this.marked) : names.length;
    this.marked = names[Math.max(0, at - 1)];
    this.mark();
  }

  answerKeys() {
    return [["0 – 5", "Answer the marked question"], ["⌫", "Go back a question"], ["Enter", "Send the message, in its box"]];
  }
}
