{
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const numbers = (text, Kind) => new Kind(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const labels = numbers(data.labels, Int32Array), added = data.added && numbers(data.added, Uint8Array);
  const tileOf = new Map((data.pictures?.items ?? []).map((item, place) => [item, place]));
  const tip = document.getElementById("tip"), tile = tip.querySelector(".tile");
  const planes = [...document.querySelectorAll("canvas[data-map]")].map((canvas) => ({
    canvas, ring: canvas.nextElementSibling, places: numbers(data.maps[canvas.dataset.map], Uint16Array),
  }));
  const MARGIN = 8, NEAR = 14, ENLARGED = 2;
  let picked = null, marked = -1;

  const order = [...new Set(labels)].sort((a, b) => a - b);
  const rows = new Map(order.map((label) => [label, []]));
  labels.forEach((label, row) => rows.get(label).push(row));

  const at = (plane, row, side) => [0, 1].map((axis) => MARGIN + (plane.places[2 * row + axis] / 65535) * (side - 2 * MARGIN));
  const tone = (label) => (label < 0 ? data.untold : data.tones[label % data.tones.length]);
  const trace = (pen, label, x, y, size) => {
    const shape = Math.max(label, 0) % data.shapes, wide = 1.2 * size;
    if (shape === 0) { pen.moveTo(x + size, y); pen.arc(x, y, size, 0, 7); }
    else if (shape === 1) pen.rect(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size);
    else { pen.moveTo(x, y - wide); pen.lineTo(x + wide, y + 0.8 * size); pen.lineTo(x - wide, y + 0.8 * size); pen.closePath(); }
  };
  const draw = (plane) => {
    const { canvas } = plane, side = canvas.clientWidth, fine = devicePixelRatio || 1;
    canvas.width = canvas.height = Math.round(side * fine);
    const pen = canvas.getContext("2d"), size = (data.size * side) / 300;
    pen.scale(fine, fine);
    for (const isNew of added ? [0, 1] : [1]) {
      for (const label of order) {
        const faint = (picked !== null && label !== picked) || (added && !isNew);
        pen.globalAlpha = faint ? 0.14 : 0.9;
        pen.fillStyle = tone(label);
        pen.beginPath();
        for (const row of rows.get(label)) if (!added || added[row] === isNew) trace(pen, label, ...at(plane, row, side), size);
        pen.fill();
      }
    }
  };
  const drawAll = () => { planes.forEach(draw); showMark(); };

  const showMark = () => {
    for (const plane of planes) {
      plane.ring.hidden = marked < 0;
      if (marked >= 0) [plane.ring.style.left, plane.ring.style.top] = at(plane, marked, plane.canvas.clientWidth).map((one) => `${one}px`);
    }
  };
  const showTile = () => {
    const place = tileOf.get(marked);
    tile.hidden = place === undefined;
    if (tile.hidden) return;
    const { uri, tile: side, columns, sizes } = data.pictures, [width, height] = sizes[place];
    if (!tile.style.backgroundImage) tile.style.backgroundImage = `url(${uri})`;
    tile.style.backgroundSize = `${columns * side * ENLARGED}px auto`;
    tile.style.backgroundPosition = `${-(place % columns) * side * ENLARGED}px ${-Math.floor(place / columns) * side * ENLARGED}px`;
    [tile.style.width, tile.style.height] = [`${width * ENLARGED}px`, `${height * ENLARGED}px`];
  };
  const mark = (plane, row) => {
    marked = row;
    tip.hidden = row < 0;
    showMark();
    if (row < 0) return;
    const name = labels[row] < 0 ? "no label" : data.classes[labels[row]];
    tip.querySelector("p").textContent = `${name} · ${data.ids[row]}${added?.[row] ? " · added" : ""}`;
    showTile();
    const frame = plane.canvas.getBoundingClientRect(), [x, y] = at(plane, row, frame.width);
    const left = frame.left + x + 16, below = frame.top + y + 16, above = below - tip.offsetHeight - 32;
    const top = below + tip.offsetHeight > innerHeight ? above : below;
    tip.style.left = `${Math.max(4, Math.min(left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(top, innerHeight - tip.offsetHeight - 8))}px`;
  };
  const shown = (row) => picked === null || labels[row] === picked;
  const nearest = (plane, x, y, cost) => {
    const side = plane.canvas.clientWidth;
    let best = -1, least = Infinity;
    for (let row = 0; row < labels.length; row++) {
      if (!shown(row)) continue;
      const [column, line] = at(plane, row, side), paid = cost(column - x, line - y, row);
      if (paid < least) [best, least] = [row, paid];
    }
    return [best, least];
  };
  const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const move = (plane, [right, down]) => {
    const side = plane.canvas.clientWidth;
    const [x, y] = marked < 0 ? [side / 2, side / 2] : at(plane, marked, side);
    const ahead = (dx, dy, row) => {
      const forward = dx * right + dy * down, aside = Math.abs(dx * down) + Math.abs(dy * right);
      return row === marked || forward <= 0 || aside > 2 * forward ? Infinity : forward + 2 * aside;
    };
    const [row] = nearest(plane, x, y, marked < 0 ? (dx, dy) => dx * dx + dy * dy : ahead);
    if (row >= 0) mark(plane, row);
  };

  for (const plane of planes) {
    plane.canvas.addEventListener("pointermove", (event) => {
      const [row, squared] = nearest(plane, event.offsetX, event.offsetY, (dx, dy) => dx * dx + dy * dy);
      mark(plane, squared <= NEAR * NEAR ? row : -1);
    });
    plane.canvas.addEventListener("pointerdown", (event) => {
      const [row, squared] = nearest(plane, event.offsetX, event.offsetY, (dx, dy) => dx * dx + dy * dy);
      mark(plane, squared <= 4 * NEAR * NEAR ? row : -1);
    });
    plane.canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") mark(plane, -1); });
    plane.canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape") mark(plane, -1);
      else if (event.key in STEPS) move(plane, STEPS[event.key]);
      else return;
      event.preventDefault();
    });
    plane.canvas.addEventListener("blur", () => mark(plane, -1));
    draw(plane);
    new ResizeObserver(() => { draw(plane); showMark(); }).observe(plane.canvas);
  }
  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      picked = button.getAttribute("aria-pressed") === "true" ? Number(button.dataset.class) : null;
      drawAll();
    });
  }
}
