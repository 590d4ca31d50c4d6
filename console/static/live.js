// Fetches the part of the page that changes, once a second while somebody looks at it.
const part = document.getElementById("live");

async function refresh() {
  if (!document.hidden) {
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
