// The list with its filters, and which dialogue is open. All of it stands in the address, so that it can be linked.

const PAGE = 40;
const WIDE = matchMedia("(min-width: 60rem)");
const find = (id) => document.getElementById(id);

const readAddress = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  return {
    level: (given.get("level") ?? "").split(",").filter(Boolean),
    state: given.get("state") ?? "", people: given.get("people") ?? "", text: given.get("text") ?? "",
    page: Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1), id: given.get("id") ?? "",
  };
};

const addressOf = (view) => {
  const given = new URLSearchParams();
  for (const name of ["level", "state", "people", "text", "page", "id"]) {
    const value = name === "level" ? view.level.join(",") : String(view[name]);
    if (value && !(name === "page" && value === "1")) given.set(name, value);
  }
  return `#${given.toString().replaceAll("%2C", ",") || "dialogues"}`;
};

const PEOPLE = { "": "anything", valid: "valid", invalid: "not valid", divided: "divided", asked: "any vote", none: "no vote" };

const fits = (row, view) =>
  (!view.level.length || view.level.includes(row.level.name)) &&
  (!view.state || row.state === view.state || view.state === "rejected" && row.group.startsWith("rejected") || row.group === view.state) &&
  (!view.people || (view.people === "none" ? !row.people : view.people === "asked" ? Boolean(row.people) : row.people === view.people));

const browse = (data) => {
  let view = readAddress();
  let results = [];
  let shown = ""; // what the results are of
  let listed = ""; // what of them the list holds: it is not drawn anew below the focus
  let asked = 0;
  let open = null;
  let listTop = 0;

  const go = (changes, replace = true) => {
    const address = addressOf({ ...view, page: 1, ...changes });
    if (replace) { history.replaceState(null, "", address); update(); } else location.hash = address;
  };

  const fill = () => {
    for (const level of data.index.levels) {
      find("levels").append(el("label", { title: level.label }, el("input", { type: "checkbox", value: level.name, "aria-label": `${level.code}, ${level.label}` }), el("span", { "aria-hidden": "true" }, level.code)));
    }
    const count = (test) => data.rows.filter(test).length.toLocaleString("en");
    const option = (value, name, test) => el("option", { value }, `${name} (${count(test)})`);
    find("state").append(option("", "any", () => true));
    const groups = Map.groupBy ? Map.groupBy(data.index.states, (each) => each.group) : new Map();
    if (!Map.groupBy) for (const each of data.index.states) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
    if ([...groups.keys()].some((group) => group.startsWith("rejected"))) {
      find("state").append(option("rejected", "rejected", (row) => row.group.startsWith("rejected")));
    }
    for (const [group, states] of groups) {
      const box = group === "accepted" ? find("state") : find("state").appendChild(el("optgroup", { label: capital(group) }));
      if (states.length > 1) box.append(option(group, `all ${group}`, (row) => row.group === group));
      for (const { state } of states) box.append(option(state, stateName({ state }), (row) => row.state === state));
    }
    const voted = data.rows.some((row) => row.people);
    find("people-choice").hidden = !voted;
    for (const [value, name] of Object.entries(PEOPLE)) {
      const test = (row) => fits(row, { level: [], state: "", people: value });
      if (!voted || data.rows.some(test)) find("people").append(option(value, name, test));
    }
  };

  // What an address asks for that these dialogues do not have is not asked for.
  const known = (select, value) => ([...select.options].some((each) => each.value === value) ? value : "");

  const showFilters = () => {
    view.state = known(find("state"), view.state);
    view.people = known(find("people"), view.people);
    for (const box of find("levels").querySelectorAll("input")) box.checked = view.level.includes(box.value);
    find("state").value = view.state;
    find("people").value = view.people;
    if (document.activeElement !== find("text")) find("text").value = view.text;
    find("clear").hidden = !(view.level.length || view.state || view.people || view.text);
  };

  const item = (row) => el("li", {}, el("a", { href: addressOf({ ...view, id: row.id }), "data-id": row.id, "aria-current": open === row && "true" },
    levelBadge(row.level), el("span", { class: "unseen" }, `${row.level.label}: `),
    el("span", { class: "snippet" }, row.snippet || "(words left out)"),
    row.state === "passed" ? null : el("span", { class: `small${stateMark(row)}` }, stateName(row)),
    row.people ? el("span", { class: "small" }, `people: ${row.people}`) : null));

  const showList = () => {
    const pages = Math.max(1, Math.ceil(results.length / PAGE));
    const page = Math.min(view.page, pages);
    if (listed !== `${page} ${shown}`) {
      listed = `${page} ${shown}`;
      find("list").replaceChildren(...results.slice((page - 1) * PAGE, page * PAGE).map(item));
      find("list").start = (page - 1) * PAGE + 1;
    }
    const total = data.rows.length.toLocaleString("en");
    const noun = data.rows.length === 1 ? "dialogue" : "dialogues";
    find("count").textContent = results.length === data.rows.length ? `${total} ${noun}`
      : `${results.length.toLocaleString("en")} of ${total} ${noun}`;
    find("random").hidden = results.length < 2;
    const turn = (to, name) => el("a", { href: addressOf({ ...view, page: to }) }, name);
    find("pages").hidden = pages === 1;
    find("pages").replaceChildren(
      page > 1 ? turn(page - 1, "Previous page") : "", el("span", {}, `${page} of ${pages.toLocaleString("en")}`),
      page < pages ? turn(page + 1, "Next page") : "");
  };

  const neighbours = (row) => {
    const at = results.indexOf(row);
    const link = (other, name) => other && el("a", { href: addressOf({ ...view, id: other.id }) }, name);
    return el("nav", { class: "neighbours", "aria-label": "Neighbouring dialogues" },
      el("a", { class: "back", href: addressOf({ ...view, id: "" }) }, "Back to the list"),
      at > 0 ? link(results[at - 1], "Previous") : null,
      el("span", { class: "soft" }, at >= 0 ? `${(at + 1).toLocaleString("en")} of ${results.length.toLocaleString("en")}` : "Not among those listed"),
      at >= 0 ? link(results[at + 1], "Next") : null);
  };

  const show = async (row, chosen) => {
    const changed = open !== row;
    open = row;
    for (const link of find("list").querySelectorAll("a")) {
      if (row && link.dataset.id === row.id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
    const narrow = !WIDE.matches;
    const reading = Boolean(row) && chosen;
    if (reading && !document.body.classList.contains("reads")) listTop = scrollY;
    const returns = narrow && !reading && document.body.classList.contains("reads");
    document.body.classList.toggle("reads", reading);
    if (!row) return find("reading").replaceChildren(el("p", { class: "soft empty" }, results.length ? "Choose a dialogue." : "No dialogue fits; clear the filters to see all."));
    const details = await data.dialogue(row);
    if (open !== row) return undefined;
    const pressed = document.activeElement?.closest(".neighbours") ? document.activeElement.textContent : "";
    find("reading").replaceChildren(neighbours(row), article(row, details, data, termsOf(view.text)));
    if (pressed) ([...find("reading").querySelectorAll(".neighbours a")].find((link) => link.textContent === pressed) ?? find("reading-title")).focus();
    if (changed) find("reading").scrollTop = 0;
    if (narrow && reading && changed) { scrollTo(0, find("reading").offsetTop); find("reading-title").focus({ preventScroll: true }); }
    if (returns) scrollTo(0, listTop);
    return undefined;
  };

  const update = async () => {
    const section = document.querySelector("#figures > section" + (location.hash.length > 1 && /^#[a-z]+$/.test(location.hash) ? location.hash : ".none"));
    find("dialogues").hidden = Boolean(section);
    find("figures").hidden = !section;
    const links = [...document.querySelectorAll(".top nav a")];
    if (!section) links[0].href = location.hash || "#dialogues"; // the way back leads to the same dialogues
    for (const link of links) {
      const current = section ? link.hash === location.hash : link === links[0];
      if (current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    if (section) { document.body.classList.remove("reads"); section.scrollIntoView(); section.querySelector("h2").focus({ preventScroll: true }); return; }
    view = readAddress();
    showFilters();
    const what = JSON.stringify([view.level, view.state, view.people, view.text]);
    if (what !== shown) {
      asked += 1;
      const mine = asked;
      let fitting = data.rows.filter((row) => fits(row, view));
      const terms = termsOf(view.text);
      if (terms.length) {
        find("count").textContent = "Searching…";
        fitting = await data.search(fitting, terms, () => mine !== asked);
        if (fitting === null) return;
      }
      results = fitting;
      shown = what;
    }
    const chosen = data.byId.get(view.id);
    const at = results.indexOf(chosen);
    if (at >= 0) view.page = Math.floor(at / PAGE) + 1;
    const first = WIDE.matches ? results[(view.page - 1) * PAGE] : undefined;
    showList();
    await show(chosen ?? first ?? null, Boolean(chosen));
  };

  const listen = () => {
    let waiting = 0;
    find("text").addEventListener("input", (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => go({ text: event.target.value.trim(), id: "" }), 150);
    });
    find("levels").addEventListener("change", () => go({ level: [...find("levels").querySelectorAll("input:checked")].map((box) => box.value), id: "" }));
    find("state").addEventListener("change", (event) => go({ state: event.target.value, id: "" }));
    find("people").addEventListener("change", (event) => go({ people: event.target.value, id: "" }));
    find("clear").addEventListener("click", () => { find("text").value = ""; go({ level: [], state: "", people: "", text: "", id: "" }); find("text").focus(); });
    find("random").addEventListener("click", () => go({ id: results[Math.floor(Math.random() * results.length)].id }, false));
    document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
    find("list").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const links = [...find("list").querySelectorAll("a")];
      const next = step && links[links.indexOf(document.activeElement) + step];
      if (next) { event.preventDefault(); next.focus(); }
    });
    addEventListener("hashchange", update);
    WIDE.addEventListener("change", update);
  };

  fill();
  listen();
  return update();
};

openData().then(browse).catch((error) => {
  find("dialogues").hidden = false;
  find("count").textContent = "The dialogues of this file cannot be read; get it again, or open it in a newer browser.";
  throw error;
});
