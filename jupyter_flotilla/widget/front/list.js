// The list of runs: as many elements as are in sight, however many runs there are.

const ROW = { wide: 30, narrow: 48 };
/** A panel that is narrower than this, in pixels, has two lines a row. */
const NARROW = 640;
const OVERSCAN = 5;
const SHOWN_ROWS = { wide: 12, narrow: 8 };
/** So many rows before the end of those that are here, the next are asked for. */
const NEAR = 30;

/** What the list holds of its runs, in order. */
class Held {
  constructor() {
    this.rows = new Map();
    this.order = [];
    this.total = 0;
    this.more = false;
  }

  /** Take all anew. */
  setAll(rows, now) {
    this.rows = new Map(rows.map((row) => [row.id, { ...row, at: now }]));
    this.order = [...this.rows.keys()];
    this.total = this.order.length;
  }

  append(rows, now) {
    for (const row of rows) {
      if (!this.rows.has(row.id)) {
        this.rows.set(row.id, { ...row, at: now });
        this.order.push(row.id);
      }
    }
  }

  /** Take changes over; returns the rows whose status is another. */
  change(delta, now) {
    for (const id of delta.gone ?? []) {
      if (this.rows.delete(id)) {
        this.order.splice(this.order.indexOf(id), 1);
      }
    }
    const turned = [];
    for (const [place, row] of delta.new ?? []) {
      if (!this.rows.has(row.id)) {
        this.rows.set(row.id, { ...row, at: now });
        this.order.splice(Math.min(place, this.order.length), 0, row.id);
        turned.push(this.rows.get(row.id));
      }
    }
    for (const change of delta.put ?? []) {
      const before = this.rows.get(change.id);
      if (before) {
        const after = { ...before, ...change, at: now };
        this.rows.set(change.id, after);
        if (after.status !== before.status) {
          turned.push(after);
        }
      }
    }
    return turned;
  }
}

/** One row's element. */
class RowElement {
  constructor(list) {
    this.glyph = make("span", "flotilla-glyph", { "aria-hidden": "true" });
    this.word = make("span", "flotilla-word");
    this.status = make("span", "flotilla-status", {}, this.glyph, this.word);
    this.name = make("bdi", "");
    this.id = make("span", "flotilla-id");
    this.fill = make("span", "");
    this.bar = make("span", "flotilla-bar", { "aria-hidden": "true" }, this.fill);
    this.percent = make("span", "");
    this.progress = make("span", "flotilla-progress", {}, this.bar, this.percent);
    this.time = make("span", "flotilla-time");
    this.memory = make("span", "flotilla-memory");
    this.cost = make("span", "flotilla-cost");
    // by the keyboard a row's buttons are X and R
    this.cancel = makeButton("■", "flotilla-act", () => list.act("cancel", this.run));
    this.retry = makeButton("↻", "flotilla-act", () => list.act("again", this.run));
    this.cancel.tabIndex = this.retry.tabIndex = -1;
    const title = make("span", "flotilla-name", {}, this.name, " ", this.id);
    const acts = make("span", "flotilla-acts", {}, this.cancel, this.retry);
    this.element = make(
      "div",
      "flotilla-row",
      { role: "listitem", tabindex: "-1" },
      this.status, title, this.progress, this.time, this.memory, this.cost, acts,
    );
    title.addEventListener("click", () => list.act("open", this.run));
  }

  /** Show a run at a place; what is shown already is not touched. */
  show(row, place, size, height) {
    const isOther = this.row !== row;
    if (this.place !== place || this.height !== height) {
      this.element.style.transform = `translateY(${place * height}px)`;
      this.element.setAttribute("aria-posinset", String(place + 1));
      [this.place, this.height] = [place, height];
    }
    if (this.size !== size) {
      this.element.setAttribute("aria-setsize", String(size));
      this.size = size;
    }
    if (!isOther) {
      return;
    }
    this.row = row;
    this.run = row.id;
    const { dataset } = this.element;
    dataset.run = row.id;
    dataset.status = row.status;
    say(this.glyph, GLYPHS[row.status] ?? "?");
    say(this.word, statusText(row));
    this.status.title = row.message ?? "";
    say(this.name, row.name);
    this.name.title = row.name;
    say(this.id, row.short);
    const isMoving = row.status === "RUNNING" && row.fraction != null;
    this.bar.hidden = !isMoving;
    this.fill.style.width = isMoving ? `${row.fraction * 100}%` : "0";
    say(this.percent, progressText(row));
    this.progress.title = row.says ?? "";
    say(this.memory, memoryText(row));
    const isFinal = FINAL.has(row.status);
    this.cancel.hidden = isFinal;
    this.retry.hidden = !isFinal;
    this.cancel.setAttribute("aria-label", `${row.cancelling ? "Kill" : "Cancel"} ${row.name}`);
    this.retry.setAttribute("aria-label", `Retry ${row.name}`);
  }

  mark(isOpened) {
    if (isOpened) {
      this.element.setAttribute("aria-current", "true");
    } else {
      this.element.removeAttribute("aria-current");
    }
  }

  /** Show what changes by itself. */
  tick(now) {
    say(this.time, timeText(this.row, now));
    say(this.cost, costText(this.row, now));
  }
}

/** The list; tells what is done to a run by `acts(what, id)`, and when it wants more rows. */
class RunList {
  constructor(held, clock, acts, wantsMore) {
    this.held = held;
    this.clock = clock;
    this.act = acts;
    this.wantsMore = wantsMore;
    this.elements = new Map();
    this.chosen = null;
    this.opened = null; // the run whose detail is shown
    this.mode = "wide";
    this.frame = 0;
    this.rows = make("div", "flotilla-rows", { role: "list", "aria-label": "Runs" });
    this.empty = make("p", "flotilla-empty", {}, "Asking the kernel…");
    this.scroller = make("div", "flotilla-scroller", {}, this.rows, this.empty);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.rows.addEventListener("focusin", (event) => {
      const row = event.target.closest(".flotilla-row");
      if (row) {
        this.choose(row.dataset.run);
      }
    });
    this.rows.addEventListener("keydown", (event) => this.onKey(event));
    this.resized = new ResizeObserver(() => this.onResize());
    this.resized.observe(this.scroller);
  }

  get height() {
    return ROW[this.mode];
  }

  onResize() {
    const width = this.scroller.clientWidth;
    const mode = width > 0 && width < NARROW ? "narrow" : "wide";
    if (mode !== this.mode) {
      this.mode = mode;
      this.scroller.dataset.mode = mode;
    }
    this.draw();
  }

  /** Draw before the next frame; any number of changes before it are one. */
  draw() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.drawNow();
      });
    }
  }

  /** Rows above what is in sight have come or gone: what is in sight stays where it is. */
  shift(rows) {
    if (this.scroller.scrollTop > 0 && rows !== 0) {
      this.resizeRows();
      this.scroller.scrollTop += rows * this.height;
    }
  }

  resizeRows() {
    const count = this.held.order.length;
    this.rows.style.height = `${count * this.height}px`;
    this.scroller.style.height =
      count === 0 ? "auto" : `${Math.min(count, SHOWN_ROWS[this.mode]) * this.height + 2}px`;
  }

  drawNow() {
    const { order, rows, total } = this.held;
    this.resizeRows();
    this.empty.hidden = order.length > 0;
    const top = this.scroller.scrollTop;
    const bottom = top + (this.scroller.clientHeight || SHOWN_ROWS[this.mode] * this.height);
    const first = Math.max(0, Math.floor(top / this.height) - OVERSCAN);
    const last = Math.min(order.length, Math.ceil(bottom / this.height) + OVERSCAN);
    const wanted = new Map();
    for (let place = first; place < last; place += 1) {
      wanted.set(order[place], place);
    }
    const focused = this.focused();
    if (focused && rows.has(focused) && !wanted.has(focused)) {
      wanted.set(focused, order.indexOf(focused)); // out of sight it keeps the focus
    }
    for (const [id, element] of this.elements) {
      if (!wanted.has(id)) {
        this.remove(id, element);
      }
    }
    const now = this.clock();
    const size = Math.max(total, order.length);
    for (const [id, place] of wanted) {
      let element = this.elements.get(id);
      if (!element) {
        element = new RowElement(this);
        this.elements.set(id, element);
        this.rows.insertBefore(element.element, this.elementAfter(place));
      }
      element.show(rows.get(id), place, size, this.height);
      element.mark(id === this.opened);
      element.tick(now);
    }
    this.keepTabStop();
    if (this.held.more && last > order.length - NEAR) {
      this.wantsMore();
    }
  }

  /** The element of the first row that is drawn below a place: who cannot see reads in their order. */
  elementAfter(place) {
    const { order } = this.held;
    for (let at = place + 1; at < order.length; at += 1) {
      const element = this.elements.get(order[at]);
      if (element) {
        return element.element;
      }
      if (at > place + 200) {
        break; // nothing is drawn further down, or only the row that has the focus
      }
    }
    return null;
  }

  remove(id, element) {
    const hadFocus = element.element.contains(document.activeElement);
    element.element.remove();
    this.elements.delete(id);
    if (hadFocus && this.held.order.length > 0) {
      this.focusAt(Math.min(element.place, this.held.order.length - 1));
    }
  }

  tick(now) {
    for (const element of this.elements.values()) {
      element.tick(now);
    }
  }

  focused() {
    return document.activeElement?.closest?.(".flotilla-row")?.dataset.run ?? null;
  }

  /** Exactly one row can be reached by Tab. */
  keepTabStop() {
    if (!this.elements.has(this.chosen)) {
      const [first] = [...this.elements.values()].sort((one, other) => one.place - other.place);
      this.choose(first?.run ?? null);
      return;
    }
    for (const [id, { element }] of this.elements) {
      element.tabIndex = id === this.chosen ? 0 : -1;
    }
  }

  choose(id) {
    if (id === this.chosen) {
      return;
    }
    const before = this.elements.get(this.chosen);
    if (before) {
      before.element.tabIndex = -1;
    }
    this.chosen = id;
    const after = this.elements.get(id);
    if (after) {
      after.element.tabIndex = 0;
    }
  }

  /** Focus the row of a run, or else the one that is chosen. */
  focus(id = this.chosen) {
    const place = this.held.order.indexOf(id);
    this.focusAt(place < 0 ? 0 : place);
  }

  focusAt(place) {
    const id = this.held.order[place];
    if (id === undefined) {
      return;
    }
    const top = place * this.height;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) {
      this.scroller.scrollTop = top;
    } else if (top + this.height > scrollTop + clientHeight) {
      this.scroller.scrollTop = top + this.height - clientHeight;
    }
    this.chosen = id;
    this.drawNow();
    this.elements.get(id)?.element.focus({ preventScroll: true });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.matches(".flotilla-row")) {
      return;
    }
    const id = event.target.dataset.run;
    const place = this.held.order.indexOf(id);
    const end = this.held.order.length - 1;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const moves = {
      ArrowDown: place + 1, j: place + 1, ArrowUp: place - 1, k: place - 1,
      Home: 0, End: end, PageDown: place + page, PageUp: place - page,
    };
    const acts = { Enter: "open", l: "open", x: "cancel", r: "again", Escape: "back" };
    if (event.key in moves) {
      this.focusAt(Math.min(end, Math.max(0, moves[event.key])));
    } else if (event.key in acts || event.key.toLowerCase() in acts) {
      this.act(acts[event.key] ?? acts[event.key.toLowerCase()], id);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
  }
}
