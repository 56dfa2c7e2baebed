// The wizard's page. It decides nothing: each answer is given to the program,
// which judges it with the rules of `cuttle wizard` on the terminal.

const $ = (id) => document.getElementById(id);
const pause = 350; // ms of silence after which an answer is checked

// The token comes in the fragment, which is sent nowhere; it does not stay in
// the address. Both live as long as this tab.
const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
if (fromAddress) {
  sessionStorage.setItem("token", fromAddress);
  history.replaceState(null, "", "/");
}
const token = sessionStorage.getItem("token") ?? "";
const pageId = sessionStorage.getItem("page")
  ?? [...crypto.getRandomValues(new Uint8Array(16))].map((x) => x.toString(16).padStart(2, "0")).join("");
sessionStorage.setItem("page", pageId);

const plain = ["server", "username", "name", "comms", "release", "namespace", "storageClass", "accessMode",
  "credentialSecret", "chart", "chartVersion"];
const flags = ["takeOver", "namespacedRoles", "keepApiKey"];
const good = new Map(); // which field is right
const edited = new Set(); // what a person has changed, so no proposal replaces it
let given = {};
let tools = {};
let saved = JSON.parse(sessionStorage.getItem("form") ?? "{}");
let format = "bash";
let ended = false;

// -- the program --------------------------------------------------------------

async function call(name, body = {}) {
  let answer;
  try {
    answer = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Cuttle-Token": token, "X-Cuttle-Page": pageId },
      body: JSON.stringify(body),
    });
  } catch {
    if (!ended) banner("The program does not answer. Is 'cuttle wizard --web' still running?");
    throw new Error("gone");
  }
  const result = await answer.json();
  if (answer.ok) return result;
  if (result.reason === "seat") banner(result.error, "Use it here", () => boot(true));
  else if (result.reason === "late") return { ok: false, field: "", text: result.error };
  else banner(result.error);
  throw new Error(result.error);
}

function banner(text, action, act) {
  const it = $("banner");
  it.replaceChildren(text);
  if (action) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: action });
    button.addEventListener("click", act);
    it.append(button);
  }
  it.hidden = !text;
}

// -- fields -------------------------------------------------------------------

const fieldOf = (name) => document.querySelector(`[data-field="${name}"]`);

function show(name, state, text = "") {
  const field = fieldOf(name);
  if (!field) return;
  field.dataset.state = state;
  let error = field.querySelector(".error");
  let status = field.querySelector(".status");
  if (!error) {
    error = Object.assign(document.createElement("p"), { className: "error", id: `${name}-error` });
    status = Object.assign(document.createElement("span"), { className: "status" });
    error.setAttribute("aria-live", "polite");
    field.append(error, status);
  }
  error.textContent = state === "bad" ? text : "";
  status.textContent = { busy: "checking", good: text || "✓" }[state] ?? "";
  for (const input of field.querySelectorAll("input, select, textarea")) {
    input.setAttribute("aria-invalid", state === "bad");
    input.setAttribute("aria-describedby", error.id);
  }
  good.set(name, state === "good");
  steps();
}

function judge(name, answer, text) {
  if (answer.ok) show(name, "good", text);
  else show(fieldOf(answer.field) ? answer.field : name, "bad", answer.text);
  if (answer.ok) remark(name, (answer.notes ?? []).find((x) => x.startsWith("Note:")));
  return answer.ok;
}

function remark(name, text) {
  const field = fieldOf(name);
  let it = field?.querySelector(".remark");
  if (!it && text) {
    it = Object.assign(document.createElement("p"), { className: "hint remark" });
    field.append(it);
  }
  if (it) it.textContent = text ?? "";
}

// Runs `check` after a pause; while one is under way, the newest one waits, and
// what an old one says is no longer shown.
function checker(check) {
  let timer, running = false, again = false, wait = () => {};
  const now = async (...args) => {
    clearTimeout(timer);
    if (running) {
      again = args;
      return;
    }
    running = true;
    try {
      await check(...args);
    } catch {
      // (the banner says why)
    }
    running = false;
    if (again) {
      const next = again;
      again = false;
      await now(...next);
    }
    wait();
  };
  const soon = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => now(...args), pause);
  };
  return { now, soon };
}

const lines = (text) => text.split(/[\n,]/).map((x) => x.trim()).filter(Boolean);
const pools = () => [...$("pools").querySelectorAll("input:checked")].map((x) => x.value);

const check = {
  server: checker(async () => {
    const value = $("server").value.trim();
    if (!value) return show("server", "");
    const answer = await call("server", { server: value });
    if (value === $("server").value.trim() && !answer.ok) judge("server", answer);
    else if (answer.ok) show("server", "");
  }),
  name: checker(async () => {
    const value = $("name").value;
    if (!value) return show("name", "");
    show("name", "busy");
    const answer = await call("name", { name: value, takeOver: $("takeOver").checked });
    if (value !== $("name").value) return;
    judge("name", answer, $("takeOver").checked ? "✓" : "✓ free");
    $("take-over-row").hidden = answer.mistake !== "name-taken" && !$("takeOver").checked;
    if (answer.ok) {
      for (const x of ["release", "namespace"]) if (!edited.has(x)) $(x).value = answer[x];
      await check.place.now(true);
    }
    refresh.soon();
  }),
  pools: checker(async () => {
    judge("pools", await call("pools", { pools: pools() }));
    refresh.soon();
  }),
  policy: checker(async () => {
    judge("policy", await call("policy", { policy: $("policy").value }));
    refresh.soon();
  }),
  comms: checker(async (ask) => {
    const value = $("comms").value;
    if (!value.trim()) return show("comms", "bad", "A worker needs at least one polling address.");
    if (ask) show("comms", "busy");
    const answer = await call("comms", { comms: lines(value), ask });
    if (value !== $("comms").value) return;
    if (!answer.ok || answer.asked) judge("comms", answer, "✓ the server's certificate");
    else show("comms", "");
    if (ask) refresh.soon();
  }),
  place: checker(async (ask) => {
    const values = { release: $("release").value, namespace: $("namespace").value };
    if (!values.release && !values.namespace) return;
    const answer = await call("place", { ...values, ask, takeOver: $("takeOver").checked });
    if (answer.ok) for (const x of ["release", "namespace"]) judge(x, answer);
    else judge(answer.field, answer);
    if (answer.field === "namespace") show("release", "good");
    refresh.soon();
  }),
  storage: checker(async () => {
    const body = { storageClass: $("storageClass").value, accessMode: $("accessMode").value,
      namespacedRoles: $("namespacedRoles").checked };
    const answer = await call("storage", body);
    judge("storageClass", answer, body.storageClass ? "✓" : " ");
    refresh.soon();
  }),
  credential: checker(async () => {
    const body = { credentialSecret: $("credentialSecret").value, keepApiKey: $("keepApiKey").checked };
    judge("credentialSecret", await call("credential", body), body.credentialSecret ? "✓" : " ");
    refresh.soon();
  }),
  chart: checker(async () => {
    judge("chart", await call("chart", { chart: $("chart").value, chartVersion: $("chartVersion").value }), " ");
    refresh.soon();
  }),
};

// -- from one step to the next ------------------------------------------------

function steps() {
  const done = [!$("account").hidden, ["space", "name", "pools"].every((x) => good.get(x)), good.get("comms"),
    ["release", "namespace"].every((x) => good.get(x)), $("outcome").classList.contains("good")];
  const now = done.indexOf(false) === -1 ? done.findIndex((x) => !x) : done.indexOf(false);
  [...$("steps").children].forEach((item, i) => {
    item.classList.toggle("done", Boolean(done[i]));
    item.classList.toggle("now", i === now);
    if (i === now) item.firstElementChild.setAttribute("aria-current", "step");
    else item.firstElementChild.removeAttribute("aria-current");
  });
}

function options(select, items, wanted) {
  select.replaceChildren(...items.map((x) => new Option(x.name, x.name)));
  const chosen = items.find((x) => x.name.toLowerCase() === (wanted ?? "").toLowerCase()) ?? items.find((x) => x.default);
  if (chosen) select.value = chosen.name;
}

function listPools(items, wanted) {
  $("pools").replaceChildren(...items.map((x) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: x.name });
    box.checked = wanted?.length ? wanted.includes(x.name) : x.default;
    label.append(box, x.name);
    return label;
  }));
}

async function signIn() {
  const kind = document.querySelector("[name=kind]:checked").value;
  $("sign-in").disabled = true;
  $("sign-in").textContent = "Signing in …";
  show("server", "");
  show("credential", "");
  try {
    const answer = await call("sign-in", { server: $("server").value, kind, username: $("username").value,
      secret: $("secret").value });
    if (judge("server", answer)) {
      show("credential", "good", "✓ signed in");
      $("secret").value = "";
      await signedIn(answer);
    } else {
      locked(true);
    }
  } catch {
    // (the banner says why)
  }
  $("sign-in").disabled = false;
  $("sign-in").textContent = $("account").hidden ? "Sign in" : "Sign in again";
  $("sign-in").classList.toggle("primary", $("account").hidden);
}

function locked(yes) {
  for (const x of ["worker", "comms", "cluster", "install"]) $(`${x}-step`).inert = yes;
  if (yes) $("account").hidden = true;
  steps();
}

async function signedIn(account) {
  $("account").textContent = `${account.user} at ${account.server} (${account.serverVersion})`;
  $("account").hidden = false;
  $("keep-row").hidden = !account.hasKey;
  if (!edited.has("comms")) $("comms").value = (given.comms?.length ? given.comms : [account.comms]).join("\n");
  options($("space"), account.spaces, saved.space ?? given.space);
  locked(false);
  await Promise.all([chooseSpace(), check.comms.now(true), check.storage.now(), check.credential.now(), check.chart.now()]);
}

async function chooseSpace() {
  show("space", "busy");
  const answer = await call("space", { space: $("space").value });
  if (!judge("space", answer)) return;
  listPools(answer.pools, saved.pools ?? given.pools);
  // (the default one is not named in the command)
  options($("policy"), answer.policies, saved.policy || given.policy);
  for (const x of $("policy").options) if (x.text === "Default Machine Policy") x.value = "";
  await Promise.all([check.pools.now(), check.policy.now(), check.name.now()]);
}

async function createPool() {
  const chosen = pools();
  show("create-pool", "busy");
  const answer = await call("create-pool", { name: $("pool-name").value.trim() });
  if (!judge("create-pool", answer, "✓ created")) return;
  listPools(answer.pools, [...chosen, answer.created]);
  $("pool-name").value = "";
  check.pools.now();
}

// -- the command --------------------------------------------------------------

const refresh = checker(async () => {
  const shown = format;
  const answer = await call("command", { format: shown, secrets: false });
  if (shown !== format) return;
  $("command").firstElementChild.textContent = answer.ok ? answer.text : "";
  $("open-points").textContent = answer.ok ? "" : answer.text;
  $("copy").disabled = !answer.ok;
  $("run").disabled = !(answer.ok || answer.field === "chart") || !tools.helm || !tools.kubectl;
});

async function copy() {
  const answer = await call("command", { format, secrets: true });
  if (!answer.ok) return void ($("copied").textContent = answer.text);
  await navigator.clipboard.writeText(answer.text);
  $("copied").textContent = "Copied, with what is secret in it.";
}

function choose(tab) {
  for (const x of $("formats").children) {
    const it = x === tab;
    x.setAttribute("aria-selected", it);
    x.tabIndex = it ? 0 : -1;
  }
  $("command-panel").setAttribute("aria-labelledby", tab.id);
  format = tab.dataset.format;
  $("copied").textContent = "Secrets are masked until you copy.";
  refresh.now();
}

// -- the installation ---------------------------------------------------------

async function run() {
  $("run-error").hidden = true;
  const answer = await call("run", { context: tools.context });
  if (answer.ok) return follow();
  $("run-error").textContent = answer.text;
  $("run-error").hidden = false;
}

async function follow() {
  $("form").inert = true;
  $("run").disabled = true;
  $("progress").hidden = false;
  $("log").textContent = "";
  $("outcome").textContent = "";
  $("outcome").className = "";
  for (let after = 0; ;) {
    const news = await call("progress", { after });
    after = news.revision;
    if (news.lines.length) $("log").append(news.lines.join("\n") + "\n");
    $("log").scrollTop = $("log").scrollHeight;
    drawStages(news);
    if (!news.active) break;
  }
  $("form").inert = false;
  steps();
  await refresh.now();
}

function drawStages(news) {
  const reached = { helm: news.stages.includes("installed"), registered: news.stages.includes("registered"),
    healthy: news.stages.includes("healthy") };
  let failed = Boolean(news.trouble);
  let busy = news.active;
  for (const item of $("stages").children) {
    const done = reached[item.dataset.stage];
    item.className = done ? "done" : failed ? "failed" : busy ? "busy" : "";
    if (!done) failed = busy = false;
  }
  if (!news.ended) return;
  $("outcome").textContent = news.trouble ? news.trouble.text : "The worker is healthy and ready for work.";
  $("outcome").className = news.trouble ? "bad" : "good";
}

async function close() {
  await call("close");
  ended = true;
  document.querySelector(".page").inert = true;
  banner("The wizard has ended. You can close this tab.");
}

// -- the beginning ------------------------------------------------------------

function save() {
  const form = { pools: pools(), space: $("space").value, policy: $("policy").value, edited: [...edited] };
  for (const x of plain) form[x] = $(x).value;
  for (const x of flags) form[x] = $(x).checked;
  sessionStorage.setItem("form", JSON.stringify(form));
}

function fill() {
  for (const x of plain) {
    const value = x === "comms" ? (given.comms ?? []).join("\n") : given[x];
    $(x).value = saved[x] || value || "";
  }
  for (const x of flags) $(x).checked = saved[x] ?? given[x] ?? false;
  for (const x of saved.edited ?? []) edited.add(x);
  for (const x of ["release", "namespace", "comms"]) if (given[x]?.length) edited.add(x);
  $("given-choice").hidden = !given.credential;
  if (given.credential) document.querySelector("[value=given]").checked = true;
  const notes = [given.proxy && `Through the proxy ${given.proxy}.`,
    given.authority && `The authority in ${given.authority} is trusted.`].filter(Boolean);
  $("proxy-note").textContent = notes.join(" ");
  $("proxy-note").hidden = !notes.length;
  chooseKind();
}

function chooseKind() {
  const kind = document.querySelector("[name=kind]:checked").value;
  $("secret-row").hidden = kind === "given";
  $("user-part").hidden = kind !== "password";
  $("secret-label").textContent = kind === "password" ? "Password" : "API key or token";
  $("secret").placeholder = kind === "password" ? "" : "API-…";
}

function sayWhere() {
  const missing = ["helm", "kubectl"].filter((x) => !tools[x]);
  $("run-where").textContent = missing.length
    ? `There is no ${missing.join(" and no ")} on this machine: copy the command instead.`
    : tools.context
      ? `Runs helm against the cluster of kubectl's context “${tools.context}”, then waits for the worker.`
      : "kubectl names no context: helm uses what it finds. It then waits for the worker.";
}

async function boot(take = false) {
  banner("");
  if (!token) return banner("Open the address that 'cuttle wizard --web' printed in the terminal, all of it.");
  const answer = await call("open", { take });
  if (answer.running) {
    locked(false);
    return follow();
  }
  if (!answer.ok) return banner(answer.text);
  ({ given, tools } = answer);
  $("version").textContent = answer.version;
  fill();
  sayWhere();
  const tab = $(`tab-${given.format}`);
  if (tab) choose(tab);
  steps();
  if (answer.account) await signedIn(answer.account);
  else if (given.credential && given.server) await signIn();
}

const on = (id, event, act) => $(id).addEventListener(event, act);
const typed = { server: "server", name: "name", storageClass: "storage", credentialSecret: "credential",
  chart: "chart", chartVersion: "chart" };
for (const [id, which] of Object.entries(typed)) on(id, "input", () => check[which].soon());
for (const id of ["release", "namespace"]) {
  on(id, "input", () => { edited.add(id); check.place.soon(false); });
  on(id, "change", () => check.place.now(true));
}
on("release", "input", () => {
  if (!edited.has("namespace")) $("namespace").value = `octopus-worker-${$("release").value}`;
});
on("comms", "input", () => { edited.add("comms"); check.comms.soon(false); });
on("comms", "change", () => check.comms.now(true));
on("takeOver", "change", () => check.name.now());
on("pools", "change", () => check.pools.now());
on("policy", "change", () => check.policy.now());
on("space", "change", () => { saved = {}; chooseSpace().catch(() => {}); });
for (const id of ["accessMode", "namespacedRoles"]) on(id, "change", () => check.storage.now());
on("keepApiKey", "change", () => check.credential.now());
for (const x of document.querySelectorAll("[name=kind]")) x.addEventListener("change", chooseKind);
on("form", "input", save);
on("form", "change", save);
on("form", "submit", (event) => event.preventDefault());
on("sign-in", "click", signIn);
for (const id of ["server", "secret", "username"])
  on(id, "keydown", (event) => { if (event.key === "Enter") signIn(); });
on("pool-name", "keydown", (event) => { if (event.key === "Enter") createPool().catch(() => {}); });
on("create-pool", "click", () => createPool().catch(() => {}));
for (const tab of $("formats").children) tab.addEventListener("click", () => choose(tab));
on("formats", "keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const all = [...$("formats").children];
  const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
  next.focus();
  choose(next);
});
on("copy", "click", () => copy().catch(() => {}));
on("run", "click", () => run().catch(() => {}));
on("close", "click", () => close().catch(() => {}));
boot().catch(() => {});
