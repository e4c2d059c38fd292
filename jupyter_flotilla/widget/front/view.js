// One view of the panel: puts list, detail and questions together, and wires them to the kernel.

/** How often what the browser keeps for a notebook without a kernel is renewed, in milliseconds. */
const KEEP_EVERY = 10000;
const KEPT_ROWS = 20;
const HINT = "↑ ↓ choose · Enter opens · X cancels · R retries · / filters · Esc goes back";
const NOTES = {
  busy: "The kernel is busy with a cell: what you asked for waits until it has ended.",
  unheard:
    "The kernel does not answer. It is busy with a cell, or it is gone: then run this cell again. " +
    "This is how it was when it last did.",
  gone: "The kernel is gone: run the cell again for a live panel. Runs go on without it.",
};

class View {
  constructor(model, element) {
    this.model = model;
    this.element = element;
    this.offset = 0; // of the kernel's clock, in seconds
    this.held = new Held();
    this.state = null;
    this.moreAt = 0;
    this.keptAt = 0;
    this.link = new Link(model, {
      took: (message) => this.take(message),
      state: (state) => this.setState(state),
    });
    const act = (what, id) => this.act(what, id);
    this.list = new RunList(this.held, () => this.now(), act, () => this.wantMore());
    this.detail = new Detail(act);
    this.summary = make("p", "flotilla-summary");
    this.total = make("p", "flotilla-total");
    this.note = make("p", "flotilla-note");
    this.live = make("div", "flotilla-live", { role: "status" });
    this.question = make("div", "flotilla-question", { role: "alertdialog", "aria-label": "Confirm" });
    this.question.hidden = this.note.hidden = true;
    const top = make("div", "flotilla-top", {}, this.summary, this.total);
    const hint = make("p", "flotilla-hint", {}, HINT);
    element.classList.add("flotilla-table", "tex2jax_ignore", "mathjax_ignore");
    element.append(top, this.note, this.list.scroller, this.question, this.detail.element, hint, this.live);
    this.begin();
  }

  begin() {
    // until the kernel answers, what it has put into the model: as it was when it was displayed
    this.held.setAll(this.model.get("kept") ?? [], this.now());
    this.onLive = () => this.lookAlive();
    this.model.on("comm_live_update", this.onLive);
    this.onVisible = () => this.see();
    document.addEventListener("visibilitychange", this.onVisible);
    this.inSight = new IntersectionObserver((entries) => {
      this.isInSight = entries[entries.length - 1].isIntersecting;
      this.see();
    });
    this.inSight.observe(this.element);
    this.ticks = setInterval(() => this.tick(), 1000);
    this.onRootKey = (event) => this.rootKey(event);
    this.onRootUse = (event) => this.rootUse(event);
    this.wire();
    this.link.hello();
    this.list.draw();
  }

  /** Wire what is around this widget; it is in the page only a little later. */
  wire() {
    const root = this.element.closest(".flotilla-panel") ?? this.element;
    if (!this.element.isConnected || root === this.root) {
      return;
    }
    this.unwire();
    this.root = root;
    hideStill(this.element);
    root.addEventListener("focusin", keepShortcutsAway, true);
    root.addEventListener("keydown", this.onRootKey, true); // ipywidgets' fields tell nobody else
    root.addEventListener("click", this.onRootUse);
    root.addEventListener("change", this.onRootUse);
  }

  unwire() {
    this.root?.removeEventListener("focusin", keepShortcutsAway, true);
    this.root?.removeEventListener("keydown", this.onRootKey, true);
    this.root?.removeEventListener("click", this.onRootUse);
    this.root?.removeEventListener("change", this.onRootUse);
  }

  now() {
    return Date.now() / 1000 + this.offset;
  }

  see() {
    this.wire();
    this.link.see(Boolean(this.isInSight) && document.visibilityState === "visible");
  }

  tick() {
    this.wire();
    this.lookAlive();
    if (this.link.isSeen && !this.link.isGone && !this.isPaused) {
      this.list.tick(this.now());
    }
  }

  /** Frontends mark what has lost its kernel with a class. */
  lookAlive() {
    if (this.element.closest(".jupyter-widgets-disconnected")) {
      this.link.gone();
    }
  }

  setState(state) {
    if (state === "heard") {
      state = null;
    } else if (state === "busy" && this.at === undefined) {
      state = "unheard";
    }
    if (this.state === state || (this.state === "gone" && state !== "gone")) {
      return;
    }
    this.state = state;
    this.element.toggleAttribute("data-gone", state === "gone");
    this.root?.toggleAttribute("data-gone", state === "gone");
    this.say(state === null ? "" : NOTES[state], state !== null);
  }

  /** Say something above the list until something else is said. */
  say(text, isTrouble) {
    const isGone = this.state === "gone";
    say(this.note, isGone ? `${NOTES.gone} This is how it was at ${formatClock(this.at ?? this.now())}.` : text);
    this.note.hidden = !isGone && text === "";
    this.note.toggleAttribute("data-trouble", Boolean(isTrouble) || isGone);
    if (!this.note.hidden) {
      say(this.live, this.note.textContent);
    }
  }

  take(message) {
    if (message.now !== undefined) {
      this.offset = message.now - Date.now() / 1000;
      this.at = message.now;
    }
    const takers = {
      whole: () => this.takeWhole(message),
      more: () => this.takeMore(message),
      delta: () => this.takeDelta(message),
      summary: () => say(this.summary, summaryText(message)),
      tail: () => this.detail.write(message),
      trouble: () => this.say(`${message.text} Trying again.`, true),
      paused: () => this.setPaused(message.is_paused),
      answer: () => message.text && this.say(message.text, message.is_trouble),
      form: () => this.takeForm(message),
    };
    takers[message.kind]?.();
  }

  takeWhole(message) {
    this.held.setAll(message.rows, message.now);
    this.setTotal(message);
    this.say("", false);
    this.setState("heard");
    say(this.list.empty, "No run matches. Try %%flotilla_run above a cell, or clear the filters.");
    this.list.draw();
    this.detail.show(this.held.rows.get(this.detail.run));
    this.keep();
  }

  takeMore(message) {
    this.moreAt = 0;
    this.held.append(message.rows, message.now);
    this.setTotal(message);
    this.list.draw();
  }

  takeDelta(message) {
    const firstInSight = Math.floor(this.list.scroller.scrollTop / this.list.height);
    const inSight = this.held.order[firstInSight];
    const turned = this.held.change(message, message.now);
    if (message.total !== undefined) {
      this.setTotal(message);
    }
    if (message.new || message.gone) {
      const place = this.held.order.indexOf(inSight);
      this.list.shift(place < 0 ? 0 : place - firstInSight);
    }
    this.list.draw();
    this.detail.show(this.held.rows.get(this.detail.run));
    this.announce(turned);
    this.keep();
  }

  takeForm(message) {
    if (!message.is_open) {
      this.list.focus();
      return;
    }
    const focus = (tries) => {
      const field = this.root?.querySelector(".flotilla-retry input");
      // what was typed before the frontend shows the value would be overwritten by it
      if (field?.offsetParent && field.value === message.first) {
        field.focus();
        field.select();
        field.closest(".flotilla-retry").scrollIntoView({ block: "nearest" });
      } else if (tries > 0) {
        setTimeout(() => focus(tries - 1), 50); // the frontend shows it a little later
      }
    };
    focus(100);
  }

  setTotal(message) {
    this.held.total = message.total ?? this.held.order.length;
    this.held.more = message.more ?? this.held.more;
    const count = this.held.total;
    say(this.total, `${count.toLocaleString()} ${count === 1 ? "run" : "runs"}`);
  }

  setPaused(isPaused) {
    this.isPaused = isPaused;
    this.say(isPaused ? "Paused." : "", false);
  }

  /** Tell who cannot see what has become of runs: their status alone, not how far they are. */
  announce(turned) {
    if (turned.length > 0) {
      const [row] = turned.slice(-1);
      const others = turned.length > 1 ? ` and ${turned.length - 1} more` : "";
      say(this.live, `${row.name}: ${statusText(row)}${others}`);
    }
  }

  /** Put the latest rows into the model: what a notebook shows that is opened without a kernel. */
  keep() {
    if (Date.now() - this.keptAt > KEEP_EVERY) {
      this.keptAt = Date.now();
      const ids = this.held.order.slice(0, KEPT_ROWS);
      // never saved by save_changes(): it stays on this side
      this.model.set("kept", ids.map((id) => this.held.rows.get(id)));
    }
  }

  wantMore() {
    if (this.link.number !== null && Date.now() - this.moreAt > 3000) {
      this.moreAt = Date.now();
      this.link.send({ kind: "more" });
    }
  }

  act(what, id) {
    const row = this.held.rows.get(id);
    if (what === "back") {
      this.back();
    } else if (what === "open" && row) {
      this.list.choose(id);
      this.list.opened = id;
      this.list.draw();
      this.detail.open(row);
      this.link.ask({ kind: "ping" });
      this.link.send({ kind: "open", run: id });
    } else if (what === "again") {
      this.link.ask({ kind: "again", run: id });
    } else if (what === "cancel" && row && FINAL.has(row.status)) {
      this.say(`${row.short} ${row.name} has ended already: ${statusText(row)}.`, false);
    } else if (what === "cancel" && row) {
      this.askToCancel(row);
    }
  }

  back() {
    if (this.detail.run !== null) {
      const { run } = this.detail;
      this.detail.close();
      this.list.opened = null;
      this.link.send({ kind: "open", run: null });
      this.list.focus(run);
    }
  }

  askToCancel(row) {
    const isAgain = row.cancelling;
    const text = isAgain
      ? `${row.short} ${row.name} is being stopped. Kill it now?`
      : `Cancel ${row.short} ${row.name}? It is asked to end, and ended 10 s later.`;
    const from = document.activeElement;
    const done = () => {
      this.question.hidden = true;
      this.question.replaceChildren();
      if (this.detail.run === null) {
        this.list.focus(row.id);
      } else if (from?.isConnected) {
        from.focus();
      }
    };
    const yes = makeButton(isAgain ? "Kill it" : "Cancel run", "flotilla-danger", () => {
      this.link.ask({ kind: "cancel", run: row.id, at_once: isAgain });
      done();
    });
    const no = makeButton("Keep running", "", done);
    this.question.replaceChildren(make("span", "", { dir: "auto" }, text), yes, no);
    this.question.hidden = false;
    this.question.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") {
        event.preventDefault();
        done();
      }
    };
    yes.focus();
  }

  rootKey(event) {
    const inFilter = event.target.closest?.(".flotilla-filters");
    const inForm = event.target.closest?.(".flotilla-retry");
    const isField = event.target.matches?.("input, select, textarea");
    if (event.key === "/" && !isField) {
      this.root.querySelector(".flotilla-filter input")?.focus();
    } else if (event.key === "Escape" && inForm) {
      this.link.send({ kind: "close-form" });
      this.list.focus();
    } else if (event.key === "Escape" && inFilter) {
      const field = event.target;
      if (field.matches("input[type=text]") && field.value) {
        field.value = "";
        field.dispatchEvent(new Event("input", { bubbles: true }));
      } else {
        this.list.focus();
      }
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The fields and buttons around are ipywidgets: they do not say when nobody hears them. */
  rootUse(event) {
    if (event.target.closest?.("button, input, select") && !this.element.contains(event.target)) {
      this.link.ask({ kind: "ping" });
    }
  }

  close() {
    clearInterval(this.ticks);
    this.inSight.disconnect();
    document.removeEventListener("visibilitychange", this.onVisible);
    this.model.off("comm_live_update", this.onLive);
    this.unwire();
    this.list.close();
    this.link.close();
    // frontends keep elements that they have taken out of the page: they shall keep little
    this.element.replaceChildren();
  }
}

/** Otherwise X in a notebook's output cuts the cell: JupyterLab looks for this where the focus is. */
function keepShortcutsAway(event) {
  event.target.dataset.lmSuppressShortcuts = "true";
}

/** Hide the table that stands above a live panel, for whoever cannot show the panel. */
function hideStill(element) {
  for (let at = element; at && at !== document.body; at = at.parentElement) {
    const before = at.previousElementSibling;
    if (before?.querySelector(".flotilla-still")) {
      before.style.display = "none";
      return;
    }
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
