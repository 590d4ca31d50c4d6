// What the page asks of its server, and what the server tells it.

const notice = document.getElementById("notice");
let cleared = 0;

export function say(sentence, seconds = 8) {
  notice.textContent = sentence;
  notice.hidden = !sentence;
  clearTimeout(cleared);
  if (sentence && seconds) cleared = setTimeout(() => say(""), seconds * 1000);
}

/** Returns the answer, or null after showing why there is none. */
export const ask = (path, body = {}) => post(path, "application/json", JSON.stringify(body));

/** Takes a file to the server; the answer holds the id by which a message names it. */
export const upload = (file) => post(`api/upload?${new URLSearchParams({ name: file.name, type: file.type })}`, "application/octet-stream", file);

async function post(path, type, body) {
  try {
    const response = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    say(answer.error ?? `The playground answered with ${response.status}.`);
  } catch {
    say("The playground does not answer. Is it still running?");
  }
  return null;
}

/** Calls `on[event](data)` for everything told. The browser reconnects by itself; `state` then comes again. */
export function listen(on) {
  const source = new EventSource("events");
  for (const [event, heard] of Object.entries(on)) {
    if (event === "lost") continue;
    source.addEventListener(event, (told) => heard(JSON.parse(told.data)));
  }
  source.addEventListener("error", () => {
    on.lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(on), 1000);
  });
}
