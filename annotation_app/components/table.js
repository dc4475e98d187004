// A plain table that screen readers can read; every cell is set as text.

export default function (component) {
  const { data, parentElement } = component;
  const table = parentElement.querySelector("table");
  const head = document.createElement("tr");
  for (const name of data.headers) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const thead = document.createElement("thead");
  thead.append(head);
  const tbody = document.createElement("tbody");
  for (const row of data.rows) {
    const line = document.createElement("tr");
    row.forEach((text, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (!column) cell.scope = "row";
      cell.textContent = text;
      cell.dataset.label = data.headers[column];
      line.append(cell);
    });
    tbody.append(line);
  }
  table.replaceChildren(thead, tbody);
  table.setAttribute("aria-label", data.label);
}
