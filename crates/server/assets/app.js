// Conveniences only: every page works without this file.
(() => {
  "use strict";

  // Copy buttons. Where the clipboard is refused the text is selected, so that Ctrl+C does it.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    if (!field) return;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      field.focus();
      field.select();
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });

  // Show and hide of password fields.
  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-reveal]");
    const field = box && document.getElementById(box.dataset.reveal);
    if (field) field.type = box.checked ? "text" : "password";
  });
  for (const box of document.querySelectorAll("[data-reveal]")) box.closest("label").hidden = false;

  // A file whose text goes into a field of the form.
  for (const file of document.querySelectorAll("[data-fill]")) {
    file.closest("p").hidden = false;
    file.addEventListener("change", async () => {
      const field = document.getElementById(file.dataset.fill);
      if (field && file.files[0]) field.value = await file.files[0].text();
    });
  }

  // A page that comes back with errors starts at their summary.
  document.querySelector(".summary")?.focus();

  // Live fragments: fetched again and again while the page is seen, slower after errors.
  const poll = (region) => {
    let wait = 2000;
    let shown = region.innerHTML.trim();
    const again = () => setTimeout(step, wait);
    const step = async () => {
      if (document.hidden) return again();
      try {
        const answer = await fetch(region.dataset.poll, { headers: { Accept: "text/html" }, redirect: "error" });
        if (!answer.ok) throw new Error(String(answer.status));
        const html = (await answer.text()).trim();
        if (html !== shown && !region.contains(document.activeElement)) {
          region.innerHTML = html;
          shown = html;
        }
        wait = region.querySelector('[data-state="running"]') ? 2000 : 5000;
      } catch {
        wait = Math.min(wait * 2, 60000);
      }
      again();
    };
    again();
  };
  document.querySelectorAll("[data-poll]").forEach(poll);

  // "/" goes to the search box of the page, unless something is being typed.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const box = document.querySelector('main input[type="search"]');
    if (box) { event.preventDefault(); box.focus(); }
  });
})();
