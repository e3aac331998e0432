(() => {
  // The pages of one file: a link to another page puts that page in place; #/name.html says which one is shown.
  const pages = new Map([...document.querySelectorAll("template[data-page]")].map((t) => [t.dataset.page, t]));
  const shown = document.getElementById("shown");
  let current = null;

  function show() {
    const hash = decodeURIComponent(location.hash);
    const [name, anchor] = hash.startsWith("#/") ? hash.slice(2).split("#") : [current ?? "index.html", ""];
    if (!hash.startsWith("#/") && current !== null) return; // a place within the page, or the state of the index
    if (pages.has(name) && name !== current) {
      current = name;
      shown.replaceChildren(pages.get(name).content.cloneNode(true));
      const title = shown.querySelector("title");
      document.title = title.textContent;
      title.remove();
      gradcheckIndex();
      gradcheckPage();
      scrollTo(0, 0);
      shown.focus({ preventScroll: true });
    }
    if (anchor) document.getElementById(anchor)?.scrollIntoView();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const [name, anchor] = link?.getAttribute("href").split("#") ?? [""];
    if (!pages.has(name)) return;
    event.preventDefault();
    location.hash = `#/${name}${anchor ? `#${anchor}` : ""}`;
  });
  addEventListener("hashchange", show);
  show();
})();
