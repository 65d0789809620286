{
  const sheet = JSON.parse(document.getElementById("sheet-data").textContent);
  const KEYS = "123456789abcdefghijklmnopqrstuvwxyz";
  const cards = [...document.querySelectorAll(".card")];
  const state = { classes: [...sheet.classes], labels: {}, past: [], at: 0 };

  const keep = () => {
    try { localStorage.setItem(sheet.key, JSON.stringify({ classes: state.classes, labels: state.labels })); } catch { /* a browser that keeps nothing still saves */ }
  };
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(sheet.key)) ?? {};
      for (const name of kept.classes ?? []) if (!state.classes.includes(name)) state.classes.push(name);
      for (const { id } of sheet.items) if (kept.labels && Object.hasOwn(kept.labels, id)) state.labels[id] = kept.labels[id];
    } catch { /* as above */ }
  };
  const labelOf = (place) => (Object.hasOwn(state.labels, sheet.items[place].id) ? state.labels[sheet.items[place].id] : "");

  const showClasses = () => {
    document.getElementById("classes").replaceChildren(...state.classes.map((name, place) => {
      const line = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      if (KEYS[place]) {
        const key = document.createElement("kbd");
        key.textContent = KEYS[place];
        button.append(key);
        button.setAttribute("aria-keyshortcuts", KEYS[place]);
      }
      button.append(name);
      button.addEventListener("click", () => label(name));
      line.append(button);
      return line;
    }));
  };
  const show = () => {
    cards.forEach((card, place) => {
      card.setAttribute("aria-current", String(place === state.at));
      card.querySelector(".label").textContent = labelOf(place);
    });
    const done = sheet.items.filter((_, place) => labelOf(place)).length;
    const here = labelOf(state.at) ? `: ${labelOf(state.at)}` : "";
    document.getElementById("status").textContent = `Item ${state.at + 1} of ${cards.length}${here} · ${done} labelled`;
    document.getElementById("undo").disabled = !state.past.length;
    document.getElementById("save").disabled = !done && !sheet.known.length;
  };
  const go = (place) => {
    state.at = Math.max(0, Math.min(cards.length - 1, place));
    show();
    cards[state.at].focus({ preventScroll: true });
    cards[state.at].scrollIntoView({ block: "nearest" });
  };
  const put = (place, name) => {
    const { id } = sheet.items[place];
    if (name) state.labels[id] = name; else delete state.labels[id];
    keep();
  };
  const label = (name) => {
    if (!cards.length) return;
    state.past.push([state.at, labelOf(state.at)]);
    put(state.at, name);
    go(name ? state.at + 1 : state.at);
  };
  const undo = () => {
    if (!state.past.length) return;
    const [place, before] = state.past.pop();
    put(place, before);
    go(place);
  };
  const columns = () => cards.filter((card) => card.getBoundingClientRect().top === cards[0].getBoundingClientRect().top).length;

  const cell = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const table = () => {
    const mine = sheet.items.map(({ id, path }, place) => [id, path, labelOf(place)]).filter((row) => row[2]);
    return [["id", "path", "label"], ...sheet.known, ...mine].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  };
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv;charset=utf-8" }));
    link.download = "labels.csv";
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); undo(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const place = event.key.length === 1 ? KEYS.indexOf(event.key.toLowerCase()) : -1;
    if (event.key in moves) go(state.at + moves[event.key]);
    else if (event.key === "Backspace") undo();
    else if (event.key === "Delete") label("");
    else if (place >= 0 && place < state.classes.length) label(state.classes[place]);
    else return;
    event.preventDefault();
  });
  document.getElementById("adding").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("new-class"), name = field.value.trim();
    if (name && !state.classes.includes(name)) state.classes.push(name);
    field.value = "";
    keep();
    showClasses();
    if (cards.length) go(state.at);
  });
  cards.forEach((card, place) => card.addEventListener("click", () => go(place)));
  document.getElementById("undo").addEventListener("click", undo);
  document.getElementById("clear").addEventListener("click", () => label(""));
  document.getElementById("save").addEventListener("click", save);
  recall();
  showClasses();
  show();
}
