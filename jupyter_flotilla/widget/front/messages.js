// What a view and the kernel say to each other: numbered changes, and asks that want an answer.

/** After so long without an answer the kernel is taken to be busy, in milliseconds. */
const PATIENCE = 2000;
/** How often a view that is seen says so; the kernel forgets it after 25 s. */
const SEEN_EVERY = 10000;
/** How often what was asked for first is asked for again. */
const HELLO_EVERY = 15000;

/** One view's side. Handlers: `took(message)` for what is shown, `state(name)` for how it stands. */
class Link {
  constructor(model, handlers) {
    this.model = model;
    this.handlers = handlers;
    this.view = `v${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
    this.number = null; // of the last message to all; null: the whole has not come yet
    this.asks = new Map();
    this.lastAsk = 0;
    this.isSeen = false;
    this.isGone = false;
    this.onMessage = (message) => this.hear(message);
    model.on("msg:custom", this.onMessage);
    this.beat = setInterval(() => this.isSeen && this.send({ kind: "seen", is_seen: true }), SEEN_EVERY);
    this.again = setInterval(() => this.isSeen && this.number === null && this.hello(), HELLO_EVERY);
  }

  send(body) {
    if (this.isGone) {
      return false;
    }
    try {
      this.model.send({ ...body, view: this.view });
      return true;
    } catch {
      this.gone(); // a frontend throws where there is no kernel left
      return false;
    }
  }

  gone() {
    if (!this.isGone) {
      this.isGone = true;
      this.forgetAsks();
      this.handlers.state("gone");
    }
  }

  hello() {
    this.ask({ kind: "ping" });
    this.send({ kind: "hello" });
  }

  see(isSeen) {
    if (isSeen !== this.isSeen) {
      this.isSeen = isSeen;
      this.send({ kind: "seen", is_seen: isSeen });
    }
  }

  /** Ask for something; without an answer in time the kernel is busy, and that is said. */
  ask(body) {
    this.lastAsk += 1;
    if (this.send({ ...body, ask: this.lastAsk })) {
      this.asks.set(this.lastAsk, setTimeout(() => this.handlers.state("busy"), PATIENCE));
    }
  }

  hear(message) {
    if (typeof message !== "object" || message === null || (message.to && message.to !== this.view)) {
      return;
    }
    if (message.kind === "heard" || message.kind === "answer") {
      this.answered(message);
      return;
    }
    if (message.kind === "whole") {
      this.number = message.number;
    } else if (message.number !== undefined && this.number !== null) {
      if (message.number !== this.number + 1) {
        this.number = null; // one was missed
        this.hello();
        return;
      }
      this.number = message.number;
    }
    this.handlers.took(message);
  }

  answered(message) {
    clearTimeout(this.asks.get(message.ask));
    this.asks.delete(message.ask);
    this.handlers.state("heard");
    if (message.kind === "answer") {
      this.handlers.took(message);
    }
  }

  close() {
    this.send({ kind: "bye" });
    clearInterval(this.beat);
    clearInterval(this.again);
    this.forgetAsks();
    this.model.off("msg:custom", this.onMessage);
  }

  forgetAsks() {
    for (const timer of this.asks.values()) {
      clearTimeout(timer);
    }
    this.asks.clear();
  }
}
