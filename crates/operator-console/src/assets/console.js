// What changes while somebody looks is read anew every five seconds, until he stops it. Without this script pages work as well: they
// are read anew when he asks for them.
"use strict";

const EVERY = 5000;

function follow(main) {
  const button = document.getElementById("follow");
  if (!main || !button) return;
  let timer = null;

  async function look() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && timer !== null) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        const shown = document.querySelector("[data-live]");
        // Nobody loses what he has in his hands.
        if (fresh && shown && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
      }
    } catch {
      // The server is away: what is shown stays, with the time at which it was read.
    }
    if (timer !== null) timer = setTimeout(look, EVERY);
  }

  function show() {
    button.textContent = timer === null ? "Read it anew every five seconds" : "Stop following";
    button.setAttribute("aria-pressed", String(timer !== null));
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    if (timer === null) {
      timer = setTimeout(look, 0);
    } else {
      clearTimeout(timer);
      timer = null;
    }
    show();
  });
  timer = setTimeout(look, EVERY);
  show();
}

follow(document.querySelector("[data-live]"));
