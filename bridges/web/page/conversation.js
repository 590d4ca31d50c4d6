// One conversation: what was said, what is being written, and saying something.

const at = (id) => document.getElementById(id);
const newId = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16)).join("");

export class Conversation {
  // Without a name it begins with the first message.
  constructor(api, thread, { refused, settled }) {
    this.api = api;
    this.thread = thread;
    this.refused = refused;
    this.settled = settled;
    this.messages = new Map();
    this.unsent = null;
    this.ending = new AbortController();
    at("messages").replaceChildren();
    this.note("");
    this.answering(false);
    if (thread) this.follow();
  }

  close() {
    this.ending.abort();
  }

  follow() {
    this.api.follow(
      this.thread,
      this.ending.signal,
      (event, data) => this.told(event, data),
      (error) => this.broken(error),
    );
  }

  // Gives whether it was taken. What was not is sent again under the same id, so that it is never said twice.
  async say(message) {
    const key = JSON.stringify(message);
    if (this.unsent?.key !== key) this.unsent = { key, id: newId() };
    const begins = !this.thread;
    const thread = this.thread || newId();
    try {
      await this.api.say(thread, { id: this.unsent.id, ...message });
    } catch (error) {
      this.note(error.message);
      this.refused(error);
      return false;
    }
    this.unsent = null;
    this.note("");
    this.thread = thread;
    if (begins) this.follow();
    return true;
  }

  told(event, data) {
    if (event === "answering") this.answering(data.answering);
    else if (event === "removed") this.remove(data.id);
    else if (event === "message") this.show(data);
  }

  broken(error) {
    if (!error) this.note("");
    else if (error.status === 404) this.note("This conversation is not there.");
    else {
      // that a message was not taken is the more important thing to know
      if (!this.unsent) this.note("The connection is lost. Trying again …");
      this.refused(error);
    }
  }

  answering(open) {
    at("stop").hidden = !open;
    if (this.open && !open) this.settled();
    this.open = open;
  }

  note(text) {
    at("note").textContent = text;
  }

  show(message) {
    const list = at("messages");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    let item = this.messages.get(message.id);
    if (!item) {
      item = document.createElement("li");
      item.append(document.createElement("div"));
      this.messages.set(message.id, item);
      list.append(item);
    }
    item.className = `${message.role} ${message.state}`;
    const body = item.firstChild;
    if (message.role === "assistant") body.innerHTML = message.html; // made of known elements by the server
    else body.textContent = message.command ? `/${message.command} ${message.text}`.trim() : message.text;
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  remove(id) {
    this.messages.get(id)?.remove();
    this.messages.delete(id);
  }
}
