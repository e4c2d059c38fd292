// What is shown of one run: facts, why it failed, and the end of what its job wrote.

const MOST_LINES = 500;
const SGR = /\u001b\[([0-9;:]*)m/g;

/** Append a line, coloured as its escapes say (16 colours, bold); nothing else of them counts. */
function appendColoured(parent, line, state) {
  let end = 0;
  const put = (text) => {
    if (!text) {
      return;
    }
    const names = [state.colour && `flotilla-ansi-${state.colour}`, state.bold && "flotilla-bold"];
    const className = names.filter(Boolean).join(" ");
    parent.append(className ? make("span", className, {}, text) : text);
  };
  for (const found of line.matchAll(SGR)) {
    put(line.slice(end, found.index));
    end = found.index + found[0].length;
    const codes = found[1].split(/[;:]/).map((code) => Number(code || 0));
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at];
      if (code === 0) {
        state.colour = 0;
        state.bold = false;
      } else if (code === 1) {
        state.bold = true;
      } else if (code === 22) {
        state.bold = false;
      } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
        state.colour = code % 10;
        state.colour = state.colour === 0 ? 8 : state.colour;
      } else if (code === 39) {
        state.colour = 0;
      } else if (code === 38 || code === 48) {
        at += codes[at + 1] === 5 ? 2 : 4; // 256 and true colours: not shown
      }
    }
  }
  put(line.slice(end));
}

/** The detail of one run at a time. */
class Detail {
  constructor(acts) {
    this.run = null;
    this.lines = [];
    this.title = make("strong", "", { dir: "auto" });
    this.status = make("span", "flotilla-status");
    this.cancel = makeButton("Cancel", "", () => acts("cancel", this.run));
    this.retry = makeButton("Retry…", "", () => acts("again", this.run));
    const close = makeButton("Close", "", () => acts("back", this.run));
    this.head = make("div", "flotilla-head", {}, this.title, this.status, this.cancel, this.retry, close);
    this.facts = make("p", "flotilla-facts");
    this.why = make("pre", "flotilla-why");
    this.log = make("pre", "flotilla-log", { tabindex: "0", role: "region", "aria-label": "Output" });
    this.element = make("section", "flotilla-detail", {}, this.head, this.facts, this.why, this.log);
    this.element.hidden = true;
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        acts("back", this.run);
      }
    });
  }

  open(row) {
    this.run = row.id;
    this.lines = [];
    say(this.why, "");
    say(this.log, "");
    this.log.dataset.empty = "…";
    this.show(row);
    this.element.hidden = false;
    this.log.focus({ preventScroll: true });
    this.isNew = true;
  }

  close() {
    this.run = null;
    this.element.hidden = true;
  }

  /** Show what is known of the run; undefined where it is not in the list. */
  show(row) {
    if (!row) {
      return;
    }
    const isFinal = FINAL.has(row.status);
    say(this.title, `${row.short} ${row.name}`);
    this.element.setAttribute("aria-label", `Run ${row.short} ${row.name}`);
    this.status.dataset.status = row.status;
    say(this.status, `${GLYPHS[row.status] ?? "?"} ${statusText(row)}`);
    this.cancel.hidden = isFinal;
    say(this.cancel, row.cancelling ? "Kill" : "Cancel");
    say(this.facts, factsText(row));
  }

  /** Show the end of the log, or what has come since. */
  write(message) {
    if (message.run !== this.run) {
      return;
    }
    say(this.why, message.why ?? "");
    const { log } = this;
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
    const kept = message.keep ? this.lines.slice(0, -1).slice(-message.keep) : [];
    this.lines = [...kept, ...message.lines].slice(-MOST_LINES);
    const isEmpty = this.lines.every((line) => line === "");
    log.dataset.empty = isEmpty ? "It has written nothing yet." : "";
    const text = document.createDocumentFragment();
    const state = { colour: 0, bold: false };
    this.lines.forEach((line, at) => {
      appendColoured(text, at < this.lines.length - 1 ? `${line}\n` : line, state);
    });
    log.replaceChildren(...(isEmpty ? [] : [text]));
    if (isAtEnd) {
      log.scrollTop = log.scrollHeight;
    }
    if (this.isNew) {
      this.isNew = false;
      this.element.scrollIntoView({ block: "nearest" });
    }
  }
}

function factsText(row) {
  const size = [`${row.cpu ?? 1} vCPU`, row.limit == null ? "memory unlimited" : formatMemory(row.limit)];
  if (row.gpu) {
    size.push(`${row.gpu} GPU`);
  }
  const facts = [`${row.engine} on ${row.place}`, size.join(" "), `submitted ${formatClock(row.created)}`];
  if (row.attempt > 1) {
    facts.push(`attempt ${row.attempt}`);
  }
  if (row.ceiling != null) {
    facts.push(`at most ${row.billed ? "" : "≈"}${formatMoney(row.ceiling)}`);
  }
  if (row.usd_per_h != null) {
    facts.push(`${row.billed ? "" : "≈"}${formatMoney(row.usd_per_h)}/h`);
  }
  if (!row.billed) {
    facts.push("nobody pays: the figures are Fargate's");
  }
  if (row.says) {
    facts.push(row.says.replace(/[█░]+ */g, "")); // its bar is in the list
  }
  return facts.join(" · ");
}
