"use strict";
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const other of document.querySelectorAll(".legend button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(on));
    for (const map of document.querySelectorAll("svg.map")) {
      map.classList.toggle("dim", on);
      for (const group of map.querySelectorAll("g")) group.classList.toggle("on", group.dataset.class === button.dataset.class);
    }
  });
}
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const missing = (text) => Number.isNaN(parseFloat(text));
      const numeric = [...body.rows].map(value).every((text) => !missing(text) || text === "–");
      const order = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (numeric && (missing(x) || missing(y))) return missing(x) - missing(y);
        return (numeric ? parseFloat(x) - parseFloat(y) : x.localeCompare(y)) * (down ? -1 : 1);
      });
      body.append(...order);
    });
  });
}
