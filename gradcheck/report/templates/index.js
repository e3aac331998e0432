"use strict";
let gradcheckLoad = null;
function gradcheckIndex() {
  const table = document.getElementById("operators");
  gradcheckLoad = null;
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const heads = [...table.tHead.rows[0].cells];
  const filter = document.getElementById("filter");
  const boxes = [...document.querySelectorAll("input[name=status]")];
  const changed = document.getElementById("changed");
  const count = document.getElementById("count");
  let column = -1, up = true;

  const value = (row, k) => row.cells[k].dataset.value ?? row.cells[k].textContent.trim();
  const numeric = (k) => k === 0 || heads[k].dataset.kind === "number";

  // Each word has to occur in the row; column:word in that column, and -word or -column:word must not.
  const cells = rows.map((row) => Object.fromEntries(heads.map((head, k) => [head.dataset.key, row.cells[k].textContent.toLowerCase()])));
  const holds = (k, word) => {
    if (word.startsWith("-") && word.length > 1) return !holds(k, word.slice(1));
    const [, column, rest] = /^([a-z]+):(.*)$/.exec(word) ?? [];
    return column in cells[k] ? cells[k][column].includes(rest) : texts[k].includes(word);
  };

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    rows.forEach((row, k) => {
      row.hidden = !(wanted.has(row.dataset.status) && words.every((word) => holds(k, word))
        && (!changed?.checked || row.dataset.change));
      shown += !row.hidden;
    });
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
    if (changed?.checked) state.set("changed", "1");
    if (column >= 0) state.set("sort", `${up ? "" : "-"}${heads[column].dataset.key}`);
    history.replaceState(null, "", `#${state}`);
    show();
  }

  gradcheckLoad = () => {
    const state = new URLSearchParams(location.hash.startsWith("#/") ? "" : location.hash.slice(1));
    filter.value = state.get("q") ?? "";
    const off = (state.get("hide") ?? "").split(" ");
    boxes.forEach((box) => { box.checked = !off.includes(box.value); });
    if (changed) changed.checked = state.get("changed") === "1";
    const sort = state.get("sort") ?? "";
    column = heads.findIndex((head) => head.dataset.key === sort.replace(/^-/, ""));
    up = !sort.startsWith("-");
    show();
  };

  heads.forEach((head, k) => head.querySelector("button").addEventListener("click", () => {
    up = k === column ? !up : true;
    column = k;
    save();
  }));
  filter.addEventListener("input", save);
  boxes.forEach((box) => box.addEventListener("change", save));
  changed?.addEventListener("change", save);
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("tools").addEventListener("reset", () => setTimeout(() => { column = -1; save(); }));
  gradcheckLoad();
}
addEventListener("hashchange", () => { if (!location.hash.startsWith("#/")) gradcheckLoad?.(); });
document.addEventListener("keydown", (event) => {
  const filter = document.getElementById("filter");
  if (!filter || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && event.target !== filter) { event.preventDefault(); filter.focus(); return; }
  if (event.key === "Escape" && event.target === filter) {
    filter.value = "";
    filter.dispatchEvent(new Event("input"));
    filter.blur();
    return;
  }
  const step = { j: 1, k: -1 }[event.key];
  if (!step || event.target.closest("input, textarea")) return;
  const links = [...document.querySelectorAll("#operators tbody tr:not([hidden]) th a")];
  const here = links.indexOf(document.activeElement);
  links[here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step))]?.focus();
});
