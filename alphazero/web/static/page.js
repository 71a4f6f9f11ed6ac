// The page's only script: it shows what the server sends, and sends what the person does. The rules are the server's.

const page = document.body.dataset.page;
const sessionKey = (() => {
  // One session for each tab: it outlives a reload, and another tab has its own.
  let key = sessionStorage.getItem("alphazero");
  if (!key) {
    key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("alphazero", key);
  }
  return key;
})();
const $ = (id) => document.getElementById(id);
const state = { legal: [], by: "cell", clock: null };
let socket = null;
let waiting = []; // messages from before the socket was open
let retry = 250; // milliseconds until the next try to connect
let chosen = ""; // the cell, or "P*" for a piece in hand, that a move begins with
let focusCell = ""; // where the keyboard stands on the board
let begun = false; // a form was sent that begins a game: its board gets the focus

// --- the socket ---

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live?page=${page}&session=${sessionKey}`);
  socket.onopen = () => {
    retry = 250;
    document.body.classList.remove("offline");
    for (const text of waiting.splice(0)) socket.send(text);
  };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = (event) => {
    document.body.classList.add("offline");
    say(event.reason || "The server does not answer; trying again …", true);
    setTimeout(connect, retry);
    retry = Math.min(5000, 2 * retry);
  };
}

function send(message) {
  const text = JSON.stringify(message);
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
  else if (waiting.length < 20) waiting.push(text);
}

// --- what the server sends ---

// These change several times a second. What is the same in them stays: a button lives as long as a press on it, and little
// is laid out and painted.
const LIVE = ["overlay", "win-rate", "candidates", "graph"];

function become(at, html) {
  const made = at.cloneNode(false);
  made.innerHTML = html;
  match(at, made);
}

function match(at, made) {
  const was = [...at.childNodes];
  const is = [...made.childNodes];
  was.slice(is.length).forEach((each) => each.remove());
  is.forEach((each, i) => {
    const old = was[i];
    if (!old) at.append(each);
    else if (old.nodeName !== each.nodeName || old.dataset?.line !== each.dataset?.line) old.replaceWith(each);
    else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== each.data) old.data = each.data;
    } else {
      for (const { name } of [...old.attributes]) if (!each.hasAttribute(name)) old.removeAttribute(name);
      for (const { name, value } of each.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      match(old, each);
    }
  });
}

function show(message) {
  const focus = focused();
  const fields = message.set.rest === undefined ? {} : fieldsOf($("form"));
  Object.assign(state, message.state);
  for (const [id, html] of Object.entries(message.set)) {
    if (!$(id)) continue;
    if (LIVE.includes(id)) become($(id), html);
    else $(id).innerHTML = html;
  }
  for (const [id, attributes] of Object.entries(message.attributes)) {
    for (const [name, value] of Object.entries(attributes)) {
      if (!$(id)) continue;
      if (value === null) $(id).removeAttribute(name);
      else $(id).setAttribute(name, value);
    }
  }
  for (const [name, value] of Object.entries(fields)) keep($("form").elements[name], value);
  if (message.state.game && $("game")) $("game").value = message.state.game;
  if (message.state.clock !== undefined) state.clockSince = performance.now();
  if (message.set.board !== undefined) {
    chosen = "";
    closeChooser();
    prepareBoard();
  }
  if (message.set.moves !== undefined) {
    const current = $("moves").querySelector("[aria-current]") || $("moves").lastElementChild;
    if (current) $("moves").scrollTop = current.offsetTop - $("moves").offsetTop - $("moves").clientHeight / 2;
  }
  if (focus) refocus(focus);
  if (begun && message.state.node !== undefined && !message.say) focusBoard();
  if (message.say || message.state.node !== undefined) begun = false;
  if (message.say) say(message.say);
  else if (document.body.classList.contains("connected") === false) say("");
  document.body.classList.add("connected");
  tickClocks();
}

// What was chosen stays chosen where the other game has it, too.
function keep(control, value) {
  if (!control || control.type === "file" || control.name === "komi") return;
  if (control.tagName !== "SELECT" || [...control.options].some((option) => option.value === value)) control.value = value;
}

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const usable = (element) => element.isConnected && !element.disabled && element.getClientRects().length > 0;
const stops = (place) => [...(place?.querySelectorAll(FOCUSABLE) ?? [])].filter(usable);
const isList = (place) => place && !["main", "board", "chooser"].includes(place.id); // what comes after an element is like it

// What has the focus: the element, and what finds it again when it is made anew.
function focused() {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const place = at.parentElement.closest("[id]");
  const names = ["id", "data-cell", "data-drop", "data-node", "data-line", "data-game", "href"].filter((name) => at.hasAttribute(name));
  const same = names.map((name) => `[${name}="${CSS.escape(at.getAttribute(name))}"]`).join("");
  return { at, same, place: place?.id, number: isList(place) ? stops(place).indexOf(at) : -1 };
}

// The focus stays where it was: on the same element, on the one made anew, or on the one now in its place. Where there is none
// (a piece in hand that was dropped, a button that is hidden by now), it goes to the board.
function refocus({ at, same, place, number }) {
  if (usable(at)) {
    if (at !== document.activeElement) at.focus({ preventScroll: true });
    return;
  }
  const all = stops($(place));
  const again = all.find((each) => same && each.matches(same)) ?? (number < 0 ? null : all[Math.min(number, all.length - 1)]);
  if (again) again.focus({ preventScroll: true });
  else focusBoard({ preventScroll: true });
}

function focusBoard(how = {}) {
  $("board")?.querySelector(`[data-cell="${CSS.escape(focusCell)}"]`)?.focus(how);
}

let sayTimer = 0;
function say(text, stays = false) {
  $("say").textContent = text;
  clearTimeout(sayTimer);
  if (text && !stays) sayTimer = setTimeout(() => ($("say").textContent = ""), 8000);
}

function tickClocks() {
  if (!state.clock) return;
  const gone = (performance.now() - state.clockSince) / 1000;
  for (const side of [0, 1]) {
    const at = $(`clock-${side}`);
    if (!at) continue;
    const runs = state.clock.running === side;
    const left = Math.max(0, state.clock.left[side] - (runs ? gone : 0));
    const tenths = left < 20 ? `.${Math.floor((left * 10) % 10)}` : "";
    at.textContent = `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, "0")}${tenths}`;
    at.parentElement.classList.toggle("runs", runs);
  }
}
setInterval(tickClocks, 100);

// --- the board ---

const cellOf = (element) => element && element.closest && element.closest("[data-cell]");

function prepareBoard() {
  const cells = [...$("board").querySelectorAll("[data-cell]")];
  if (!cells.some((cell) => cell.dataset.cell === focusCell)) focusCell = cells.length ? cells[0].dataset.cell : "";
  for (const cell of cells) cell.setAttribute("tabindex", cell.dataset.cell === focusCell ? "0" : "-1");
  mark();
}

// Shows where a move can begin, and where the one begun can end.
function mark() {
  const board = $("board");
  for (const cell of board.querySelectorAll("[data-cell], [data-drop]")) {
    const name = cell.dataset.cell || `${cell.dataset.drop}*`;
    cell.classList.toggle("chosen", name === chosen);
    cell.classList.toggle("target", state.by === "pair" && chosen !== "" && targets(chosen).includes(name));
    cell.classList.toggle("can", state.by === "pair" ? state.legal.some((move) => move.startsWith(name)) : state.legal.includes(name));
  }
}

const targets = (from) => state.legal.filter((move) => move.startsWith(from)).map((move) => move.slice(2, 4));

function press(name) {
  closeChooser();
  if (state.by === "cell") {
    if (state.legal.includes(name)) send({ do: "move", move: name });
    return;
  }
  if (chosen && chosen !== name) {
    const moves = state.legal.filter((move) => move.startsWith(chosen) && move.slice(2, 4) === name);
    if (moves.length === 1) return send({ do: "move", move: moves[0] });
    if (moves.length > 1) return choose(moves);
  }
  chosen = chosen !== name && state.legal.some((move) => move.startsWith(name)) ? name : "";
  mark();
}

// A pawn that arrives, or a piece that may promote: which move is meant?
const PROMOTIONS = { q: "Queen", r: "Rook", b: "Bishop", n: "Knight", "+": "Promote", "": "Do not promote" };
function choose(moves) {
  const order = ["q", "r", "b", "n", "+", ""];
  const chooser = $("chooser");
  chooser.replaceChildren();
  for (const move of [...moves].sort((a, b) => order.indexOf(a.slice(4)) - order.indexOf(b.slice(4)))) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = PROMOTIONS[move.slice(4)] ?? move;
    button.dataset.promote = move.slice(4);
    button.dataset.testid = `promote-${move.slice(4) || "no"}`;
    button.onclick = () => {
      closeChooser();
      send({ do: "move", move });
    };
    chooser.append(button);
  }
  chooser.hidden = false;
  chooser.firstElementChild.focus();
}

function closeChooser() {
  const chooser = $("chooser");
  if (!chooser || chooser.hidden) return;
  const focus = chooser.contains(document.activeElement);
  chooser.hidden = true;
  if (focus) focusBoard(); // where the piece goes to
}

// Dragging: a press on one cell that ends on another is the same as two clicks.
let dragFrom = null;
let dragGhost = null;
function pressed(event) {
  const cell = cellOf(event.target);
  const held = event.target.closest("[data-drop]");
  dragFrom = cell ? cell.dataset.cell : held ? `${held.dataset.drop}*` : null;
  if (dragFrom && (state.by !== "pair" || !state.legal.some((move) => move.startsWith(dragFrom)))) dragFrom = null;
  dragGhost = dragFrom && cell ? cell.querySelector(".piece") : null;
  dragGhost = dragGhost && { piece: dragGhost, x: event.clientX, y: event.clientY, was: dragGhost.getAttribute("transform") || "" };
}

function dragged(event) {
  if (!dragGhost) return;
  const svg = dragGhost.piece.ownerSVGElement;
  const unit = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
  const [dx, dy] = [(event.clientX - dragGhost.x) * unit, (event.clientY - dragGhost.y) * unit];
  if (Math.hypot(dx, dy) < 6) return;
  if (chosen !== dragFrom) {
    chosen = dragFrom;
    mark();
    const cell = cellOf(dragGhost.piece);
    cell.parentNode.insertBefore(cell, svg.querySelector("#overlay")); // above all others
  }
  dragGhost.piece.setAttribute("transform", `translate(${dx} ${dy}) ${dragGhost.was}`);
  dragGhost.piece.classList.add("dragged");
}

function released(event) {
  const from = dragFrom;
  if (dragGhost) {
    dragGhost.piece.setAttribute("transform", dragGhost.was);
    dragGhost.piece.classList.remove("dragged");
  }
  dragFrom = dragGhost = null;
  if (!from || event.type === "pointercancel") return;
  const cell = cellOf(document.elementFromPoint(event.clientX, event.clientY));
  if (!cell || cell.dataset.cell === from) return; // a click: it comes as one
  chosen = from;
  if (targets(from).includes(cell.dataset.cell)) press(cell.dataset.cell);
  else {
    chosen = "";
    mark();
  }
}

// Arrows walk over the board as it is seen: by where the cells are.
function walk(cell, key) {
  const box = (each) => {
    const b = each.querySelector("rect").getBoundingClientRect();
    return { x: b.x + b.width / 2, y: b.y + b.height / 2 };
  };
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const here = box(cell);
  let best = null;
  let nearest = Infinity;
  for (const other of $("board").querySelectorAll("[data-cell]")) {
    const there = box(other);
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (along > 2 && along + 4 * aside < nearest) [best, nearest] = [other, along + 4 * aside];
  }
  if (!best) return;
  cell.setAttribute("tabindex", "-1");
  best.setAttribute("tabindex", "0");
  focusCell = best.dataset.cell;
  best.focus();
}

// --- what the person does ---

const fieldsOf = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));

// A button that cannot be pressed keeps the focus: `disabled` would take it away.
const enabled = (button) => button?.getAttribute("aria-disabled") !== "true";

document.addEventListener("click", (event) => {
  const cell = cellOf(event.target);
  const held = event.target.closest("[data-drop]");
  const asked = event.target.closest("[data-do]:not(form)");
  if (cell && cell.getAttribute("role") === "button") {
    focusCell = cell.dataset.cell;
    press(cell.dataset.cell);
  } else if (held) {
    press(`${held.dataset.drop}*`);
    if (chosen && event.detail === 0) focusBoard(); // by the keyboard: arrows choose where it is dropped
  } else if (asked && enabled(asked)) send({ ...asked.dataset });
});

document.addEventListener("change", (event) => {
  const at = event.target;
  if (at.type === "file") upload(at);
  else if (at.dataset.changes) {
    const value = at.multiple ? [...at.selectedOptions].map((option) => option.value) : at.value;
    send({ do: at.dataset.changes, value });
  }
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!enabled(event.submitter)) return;
  begun = event.target.dataset.do === "new" || event.target.dataset.do === "open";
  send({ do: event.target.dataset.do, fields: fieldsOf(event.target) });
  if (event.target.dataset.do !== "start") for (const area of event.target.querySelectorAll("textarea")) area.value = "";
});

document.addEventListener("keydown", (event) => {
  const cell = cellOf(document.activeElement);
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (cell && event.key.startsWith("Arrow")) {
    event.preventDefault();
    walk(cell, event.key);
  } else if (cell && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    press(cell.dataset.cell);
  } else if (event.key === "Escape") {
    chosen = "";
    closeChooser();
    if ($("board")) mark();
  } else if (!typing && (page === "analyse" || page === "watch" || page === "tournaments") && /^Arrow(Left|Right)$/.test(event.key)) {
    if (!$("board") || event.target.closest("[tabindex='0']:not(main)")) return;
    event.preventDefault();
    send({ do: "step", by: event.key === "ArrowLeft" ? "-1" : "1" });
  }
});

if ($("board")) {
  $("board").addEventListener("pointerdown", pressed);
  document.addEventListener("pointermove", dragged);
  document.addEventListener("pointerup", released);
  document.addEventListener("pointercancel", released);
}

async function upload(input) {
  const file = input.files[0];
  input.value = "";
  if (!file) return;
  if (file.size > 4 * 1024 * 1024) return say("The file is too large for a game: at most 4 MB.");
  try {
    const answer = await fetch(`/upload?session=${sessionKey}&page=${page}`, { method: "POST", body: file });
    const text = await answer.text();
    say(answer.ok ? `Read: ${text}` : text);
  } catch {
    say("The file could not be sent.");
  }
}

// A candidate's line is played out while one points at it, or has the focus on it.
let pointed = "";
function point(move) {
  if (move === pointed) return;
  pointed = move;
  send({ do: "line", move });
}
if ($("candidates")) {
  const lineAt = (event) => event.target.closest("[data-line]")?.dataset.line ?? "";
  $("candidates").addEventListener("pointerover", (event) => point(lineAt(event)));
  $("candidates").addEventListener("pointerleave", () => point(""));
  $("candidates").addEventListener("focusin", (event) => point(lineAt(event)));
  $("candidates").addEventListener("focusout", (event) => {
    if (!$("candidates").contains(event.relatedTarget) && event.relatedTarget) point("");
  });
  $("candidates").addEventListener("click", () => (pointed = ""));
}

connect();
