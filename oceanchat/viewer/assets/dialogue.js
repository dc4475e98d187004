// One dialogue with its lineage. Whatever a dialogue holds is set as text, never as HTML.

const el = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

// A text with the terms of a search marked in it.
const marked = (text, terms) => {
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  while (terms.length && lower.length === text.length) {
    let next = null;
    for (const term of terms) {
      const at = lower.indexOf(term, from);
      if (at >= 0 && (next === null || at < next.at)) next = { at, end: at + term.length };
    }
    if (next === null) break;
    parts.push(text.slice(from, next.at), el("mark", {}, text.slice(next.at, next.end)));
    from = next.end;
  }
  return [...parts, text.slice(from)];
};

const levelBadge = (level) =>
  el("span", { class: `badge ${level.code.endsWith("+") ? "high" : "low"}`, "aria-hidden": "true" }, level.code);

const stateName = ({ state }) => (state === "passed" ? "accepted" : state.replace("gate:", "gate: "));

// Red is for what failed; a dialogue that no checker was asked about did not.
const stateMark = ({ state }) => ({ passed: " good", unchecked: "" })[state] ?? " bad";

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const conversation = (details, terms) => {
  if (!details.turns.length) return el("p", { class: "soft" }, "Its words are not part of this page.");
  return el("ol", { class: "turns", "aria-label": "Dialogue" }, details.turns.map(([asks, text]) =>
    el("li", { class: asks ? "turn asks" : "turn tells" },
      el("span", { class: "speaker" }, asks ? "Questioner" : "Self-discloser"),
      el("span", { class: "said" }, marked(text, terms)))));
};

// A template with its blanks filled as far as the page knows what filled them.
const filled = (text, values) => {
  const known = text.replace(/^.*<answer_words>\s*\{answer_words\}\s*<\/answer_words>.*\n?/m,
    (line) => (values.answer_words ? line : ""));
  return known.split(/(\{[a-z_]+\})/).map((part) => {
    const name = part.slice(1, -1);
    return /^\{[a-z_]+\}$/.test(part) && Object.hasOwn(values, name) && values[name] ? el("b", {}, values[name]) : part;
  });
};

const promptsOf = (tasks, data, values, details) => tasks
  .filter((task) => details.origin.prompts[task])
  .map((task) => {
    const key = `${task} ${details.origin.prompts[task]}`;
    const body = el("div", { class: "prompt" });
    const box = el("details", {}, el("summary", {}, `Prompt `, el("code", {}, task), ` `, el("span", { class: "soft" }, details.origin.prompts[task])), body);
    box.addEventListener("toggle", () => {
      if (body.hasChildNodes()) return;
      const parts = data.index.prompts[key] ?? [];
      if (!parts.length) body.append(el("p", {}, "Its text is not part of this page: the template has changed since."));
      for (const [role, text] of parts) {
        body.append(el("h4", {}, capital(role)), el("p", { class: "template" }, filled(text, values)));
      }
    });
    return box;
  });

const blanksOf = (row, details) => {
  const { level } = row;
  const talk = details.turns.map(([asks, text]) => `${asks ? "Questioner" : "Self-discloser"}: ${text}`).join("\n");
  const sentence = details.sentence ? { sentence: details.sentence, sentences: `1. ${details.sentence}`, seed_topic: details.sentence } : {};
  return {
    label: { ...level.label_blanks, ...sentence },
    write: {
      ...level.blanks, ...level.facets[details.facet], ...details.origin.asked, ...sentence,
      answer_words: details.answer_words?.join(", "),
    },
    check: talk ? { dialogue: talk } : {},
  };
};

const step = (title, ...body) => el("li", {}, el("h3", {}, title), body);

const sentenceStep = (details, terms) => step("Essay sentence",
  details.sentence ? el("blockquote", {}, marked(details.sentence, terms)) : null,
  el("p", { class: "soft" }, details.essay || (details.sentence ? "" : details.origin.source === "imported"
    ? "The dialogue was imported; no sentence is known." : "The sentence is not part of this page.")));

const labelStep = (row, details, data, blanks) => step("Label",
  el("p", {}, row.level.code, details.facet ? ` · ${details.facet}` : "",
    details.strength ? `, strength ${details.strength} of 5` : "",
    details.origin.labeler ? ` — by ${details.origin.labeler}` : ""),
  details.label_reason ? el("p", { class: "soft" }, details.label_reason) : null,
  promptsOf(["label_many", "label"], data, blanks.label, details));

const promptStep = (details, data, blanks) => {
  const { writer, mode } = details.origin;
  const how = { screenplay: " in one call", dual: ", two speakers in turn" }[mode] ?? "";
  return step("Prompt",
    el("p", {}, writer ? `Written by ${writer}${how}` : "Nobody knows who wrote it",
      details.answer_words ? `; answers of ${details.answer_words.join(", ")} words were asked for` : "", "."),
    promptsOf(["write", "theme", "question", "disclose"], data, blanks.write, details));
};

const verdictStep = (row, details, data, blanks) => {
  const { verdict } = details;
  const reason = details.detail ? `: ${details.detail}` : "";
  if (!verdict) {
    const gate = row.state.startsWith("gate:");
    const text = gate ? `Rejected by the gate “${row.state.slice(5)}”${reason}. No checker was asked.`
      : `${capital(stateName(row))}${reason}.`;
    return step("Verdict", el("p", {}, text));
  }
  const saw = verdict.shown.length ? verdict.shown.join(", then ") : "no trait";
  const said = (flag, yes, no) => (flag === true ? yes : flag === false ? no : "");
  const more = [said(verdict.leading, "leading questions", "neutral questions"),
    said(verdict.named, "a trait named outright", "no trait named")].filter(Boolean).join(", ");
  return step("Verdict",
    el("p", {}, `${verdict.checker} saw ${saw}${more ? `; ${more}` : ""}: ${verdict.passed ? "passed" : "rejected"} (check “${verdict.check}”).`),
    row.state === "passed" ? null : el("p", {}, `${capital(stateName(row))}${reason}.`),
    verdict.reason ? el("p", { class: "soft" }, verdict.reason) : null,
    promptsOf(["check"], data, blanks.check, details));
};

const votesStep = (row, details) => {
  const votes = details.votes ?? [];
  if (!votes.length) return step("Votes", el("p", { class: "soft" }, "No votes of people on it."));
  const yes = (flag) => (flag ? "yes" : "no");
  const cells = (vote) => [yes(vote.trait_shown), yes(vote.coherent), yes(vote.valid)];
  return step("Votes",
    el("p", {}, row.people === "divided" ? "People are divided." : `People say: ${row.people}.`),
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Votes" },
      el("table", {}, el("thead", {}, el("tr", {}, ["Who", "trait shown", "coherent", "valid", "comment"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, votes.map((vote) => el("tr", {},
          el("th", { scope: "row" }, vote.annotator, vote.decides ? " (decides)" : ""),
          cells(vote).map((text) => el("td", {}, text)), el("td", { class: "text" }, vote.comment)))))));
};

const article = (row, details, data, terms) => {
  const blanks = blanksOf(row, details);
  const facts = [`id ${row.id}`, details.split ? `split ${details.split}` : "", details.origin.source === "imported" ? "imported" : ""];
  return el("article", { "aria-labelledby": "reading-title" },
    el("header", {},
      el("h2", { id: "reading-title", tabindex: "-1" }, levelBadge(row.level), " ", capital(row.level.label), details.facet ? el("span", { class: "soft" }, ` · ${details.facet}`) : null),
      el("p", { class: "facts" }, el("span", { class: `pill${stateMark(row)}` }, stateName(row)),
        row.people ? el("span", { class: "pill" }, `people: ${row.people}`) : null,
        el("span", { class: "soft" }, facts.filter(Boolean).join(" · ")))),
    conversation(details, terms),
    el("h2", { class: "from" }, "Where it comes from"),
    el("ol", { class: "lineage" },
      sentenceStep(details, terms), labelStep(row, details, data, blanks), promptStep(details, data, blanks),
      verdictStep(row, details, data, blanks), votesStep(row, details)));
};
