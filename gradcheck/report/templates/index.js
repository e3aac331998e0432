"use strict";
(() => {
  const table = document.getElementById("operators");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const filter = document.getElementById("filter");
  const boxes = [...document.querySelectorAll("input[name=status]")];
  const count = document.getElementById("count");
  let column = -1, up = true;

  const value = (row, k) => row.cells[k].dataset.value ?? row.cells[k].textContent.trim();
  const numeric = (k) => k === 0 || heads[k].dataset.kind === "number";

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(wanted.has(row.dataset.status) && words.every((word) => text.includes(word)));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
    heads.forEach((head, k) => head.setAttribute("aria-sort", k === column ? (up ? "ascending" : "descending") : "none"));
    const order = column < 0 ? rows : [...rows].sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      return (numeric(column) ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
    });
    body.append(...order);
  }

  function save() {
    const state = new URLSearchParams();
    if (filter.value) state.set("q", filter.value);
    const off = boxes.filter((box) => !box.checked).map((box) => box.value);
    if (off.length) state.set("hide", off.join(" "));
    if (column >= 0) state.set("sort", `${up ? "" : "-"}${column}`);
    history.replaceState(null, "", `#${state}`);
    show();
  }

  function load() {
    const state = new URLSearchParams(location.hash.slice(1));
    filter.value = state.get("q") ?? "";
    const off = (state.get("hide") ?? "").split(" ");
    boxes.forEach((box) => { box.checked = !off.includes(box.value); });
    const sort = state.get("sort");
    column = sort === null ? -1 : Math.min(heads.length - 1, Math.abs(parseInt(sort, 10)) || 0);
    up = !sort?.startsWith("-");
    show();
  }

  heads.forEach((head, k) => head.querySelector("button").addEventListener("click", () => {
    up = k === column ? !up : true;
    column = k;
    save();
  }));
  filter.addEventListener("input", save);
  boxes.forEach((box) => box.addEventListener("change", save));
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== filter) { event.preventDefault(); filter.focus(); }
    if (event.key === "Escape" && event.target === filter) { filter.value = ""; save(); }
  });
  window.addEventListener("hashchange", load);
  load();
})();
