// What the page asks of the server. docs/web.md describes it.

export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  async ask(path, options = {}) {
    const headers = { Authorization: `Bearer ${this.token}`, ...options.headers };
    let answer;
    try {
      answer = await fetch(`api/${path}`, { ...options, headers, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, "The server cannot be reached just now.");
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Refused(answer.status, told.error ?? `The server answered ${answer.status}.`);
    }
    return answer;
  }

  async threads(page) {
    return (await this.ask(`threads?limit=30&page=${page}`)).json();
  }

  async assistants() {
    return (await (await this.ask("assistants")).json()).assistants;
  }

  async say(thread, message) {
    const options = { method: "POST", body: JSON.stringify(message), headers: { "Content-Type": "application/json" } };
    return (await this.ask(`threads/${thread}/messages`, options)).json();
  }

  // Calls `told(event, data)` for all that is and changes in a conversation, until `signal`. Comes back by itself after
  // a lost connection, where it was; `broken(error)` hears of each, and of its end (null).
  async follow(thread, signal, told, broken) {
    let last = "";
    while (!signal.aborted) {
      try {
        const headers = last ? { "Last-Event-ID": last } : {};
        const answer = await this.ask(`threads/${thread}/events?html=1`, { headers, signal });
        broken(null);
        for await (const record of records(answer.body)) {
          if (record.id) last = record.id;
          if (record.event) told(record.event, JSON.parse(record.data));
        }
      } catch (error) {
        if (signal.aborted) return;
        broken(error);
        if (error.status === 401 || error.status === 404) return;
      }
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function* records(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const found = rest.split("\n\n");
    rest = found.pop();
    for (const record of found) {
      const fields = {};
      for (const line of record.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
      yield fields;
    }
  }
}
