(() => {
  // The pages of one file: a link to a page puts it in place; #/name.html#anchor says which one is shown, anything else is the index.
  const pages = new Map([...document.querySelectorAll("template[data-page]")].map((t) => [t.dataset.page, t]));
  const shown = document.getElementById("shown");
  let current = null;

  function show() {
    const hash = decodeURIComponent(location.hash);
    const [name, anchor] = hash.startsWith("#/") ? hash.slice(2).split("#") : ["index.html", ""];
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
    const [page, anchor] = link?.getAttribute("href").split("#") ?? ["?"];
    const name = page || current;
    if (!pages.has(name)) return;
    event.preventDefault();
    location.hash = `#/${name}${anchor ? `#${anchor}` : ""}`;
  });
  addEventListener("hashchange", show);
  show();
})();
