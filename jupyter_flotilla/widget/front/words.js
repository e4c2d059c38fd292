// Words and numbers as all screens of Flotilla write them. Text reaches the page as text alone.

const GLYPHS = {
  QUEUED: "◷",
  PENDING: "◌",
  RUNNING: "●",
  SUCCEEDED: "✔",
  FAILED: "✖",
  CANCELLED: "■",
};
const FINAL = new Set(["SUCCEEDED", "FAILED", "CANCELLED"]);

/** Where a run is, more exactly where that is known: `failed: out of memory`. */
function statusText(row) {
  const word = String(row.status).toLowerCase();
  if (row.status === "FAILED" && row.failure) {
    return `${word}: ${row.failure.replace(/-/g, " ")}`;
  }
  if (row.cancelling) {
    return `${word}, being cancelled`;
  }
  return row.status === "PENDING" && row.phase ? `${word}: ${row.phase.replace(/-/g, " ")}` : word;
}

/** Seconds, two units at most; one that still grows shows whole seconds and all of its digits. */
function formatDuration(seconds, isGrowing) {
  const exact = Math.max(0, seconds);
  if (exact < 10 && !isGrowing) {
    return `${exact.toFixed(1).replace(".0", "")}s`;
  }
  const whole = isGrowing ? Math.floor(exact) : Math.round(exact);
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) {
    return `${whole}s`;
  }
  let text = `${Math.floor(whole / 86400)}d${two(Math.floor(whole / 3600) % 24)}h`;
  if (whole < 3600) {
    text = `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  } else if (whole < 86400) {
    text = `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  }
  return isGrowing ? text : text.replace(/00[smh]$/, "");
}

/** US dollars, two significant digits and never a false zero. */
function formatMoney(usd) {
  if (usd > 0 && usd < 0.0001) {
    return "<$0.0001";
  }
  const rounded = usd > 0 && usd < 0.1 ? Number(usd.toPrecision(2)) : usd;
  if (rounded > 0 && rounded < 0.1) {
    return `$${rounded.toFixed(1 - Math.floor(Math.log10(rounded)))}`;
  }
  if (rounded >= 1e15) {
    return `$${rounded.toExponential(1)}`;
  }
  const [whole, cents] = rounded.toFixed(2).split(".");
  return `$${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${cents}`;
}

/** A size given in MiB: `300 M`, `1.5 G`. */
function formatMemory(mib) {
  if (mib < 1000) {
    return `${mib.toFixed(0)} M`;
  }
  const gib = mib / 1024;
  return gib >= 1e6 ? `${gib.toExponential(1)} G` : `${Number(gib.toFixed(1))} G`;
}

function formatClock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** How long a run has taken, or has waited for its start. */
function timeText(row, now) {
  const since = row.started ?? (FINAL.has(row.status) ? null : row.created);
  if (since == null) {
    return "";
  }
  return formatDuration((row.ended ?? now) - since, row.ended == null);
}

/** What a run has cost so far, or can cost at most; `≈` where nobody pays it. */
function costText(row, now) {
  const about = row.billed ? "" : "≈";
  if (row.started != null && row.usd != null) {
    const since = row.status === "RUNNING" && row.usd_per_h != null ? Math.max(0, now - row.at) : 0;
    return about + formatMoney(row.usd + ((row.usd_per_h ?? 0) * since) / 3600);
  }
  return row.ceiling == null || FINAL.has(row.status) ? "" : `≤ ${about}${formatMoney(row.ceiling)}`;
}

/** What it uses of what it may use: `2.1 of 8 G`; what it used at most, once it has ended. */
function memoryText(row) {
  const used = FINAL.has(row.status) ? row.peak : (row.memory ?? null);
  const limit = row.limit == null ? "" : formatMemory(row.limit);
  if (used == null) {
    return limit;
  }
  return limit ? `${formatMemory(used)} of ${limit}` : formatMemory(used);
}

function progressText(row) {
  return row.status === "RUNNING" && row.fraction != null ? `${Math.floor(row.fraction * 100)}%` : "";
}

/** What the summary says: how many runs go on, and what today and this month have cost. */
function summaryText(summary) {
  const counts = summary.counts ?? {};
  const parts = [`engine ${summary.engine}`];
  for (const status of ["RUNNING", "PENDING", "QUEUED"]) {
    if (counts[status] || status === "RUNNING") {
      parts.push(`${status.toLowerCase()} ${(counts[status] ?? 0).toLocaleString()}`);
    }
  }
  parts.push(`today ${formatMoney(summary.cost_today_usd ?? 0)}`);
  const budget = summary.monthly_budget_usd;
  const month = formatMoney(summary.cost_month_usd ?? 0);
  parts.push(`month ${month}${budget == null ? "" : ` of ${formatMoney(budget)}`}`);
  return parts.join(" · ");
}

/** Make an element; what it says is text, never markup. */
function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) {
    element.className = className;
  }
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function makeButton(label, className, pressed) {
  const button = make("button", `flotilla-button ${className}`, { type: "button" }, label);
  button.addEventListener("click", pressed);
  return button;
}

/** Say something in an element, if it does not say it already. */
function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
