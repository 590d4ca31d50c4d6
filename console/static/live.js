// Fetches the part of the page that changes, once a second while somebody looks at it; it holds still under a finger.
const part = document.getElementById("live");

async function refresh() {
  if (!document.hidden && !part.querySelector(":active, :focus-visible")) {
    try {
      const answer = await fetch("/console/live?part=turns", { redirect: "error" });
      if (answer.ok) part.innerHTML = await answer.text(); // escaped by the server
      part.classList.toggle("stale", !answer.ok);
    } catch {
      part.classList.add("stale");
    }
  }
  setTimeout(refresh, 1000);
}

setTimeout(refresh, 1000);
