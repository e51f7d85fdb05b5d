// Shows /openapi.json and sends requests to this very server. Everything that
// comes from outside is set as text and never as markup.
"use strict";

let api;     // the document
let key = ""; // the API key, kept only here

// el makes an element: its attributes, then its children, texts or elements.
function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== false) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}

// follow replaces a $ref, which is always one of this document, by what it means.
function follow(node) {
  for (let i = 0; node && node.$ref && i < 20; i++) {
    node = node.$ref.slice(2).split("/").reduce((at, step) => at && at[step.replace(/~1/g, "/").replace(/~0/g, "~")], api);
  }
  return node || {};
}

// prose shows paragraphs, with `code` and **strong** words of Markdown.
function prose(text) {
  return (text || "").split(/\n\s*\n/).map((p) => el("p", {}, ...p.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return el("strong", {}, part.slice(2, -2));
    return part;
  })));
}

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  let type = [].concat(schema.type || []).join(" | ");
  if (schema.allOf) type = typeOf(follow(schema.allOf[0]));
  if (schema.items) type = "array of " + (typeOf(follow(schema.items)) || "anything");
  const bounds = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "default"]
    .filter((k) => schema[k] !== undefined).map((k) => k + " " + JSON.stringify(schema[k]));
  return [type, ...bounds].filter(Boolean).join(", ");
}

// fold is a part that is made when it is opened for the first time.
function fold(summary, make) {
  let made = false;
  const e = el("details", { ontoggle: () => {
    if (made || !e.open) return;
    made = true;
    e.append(...[].concat(make()));
  } }, el("summary", {}, ...[].concat(summary)));
  return e;
}

// inside is the schema whose members are worth showing: an array's elements'.
function inside(schema) {
  schema = follow(schema);
  if (schema.allOf) schema = follow(schema.allOf[0]);
  return schema.items ? inside(schema.items) : schema;
}

// shape shows a schema's members, each with its own folded into it.
function shape(schema) {
  const inner = inside(schema);
  const deeper = (s) => {
    const below = inside(s);
    return below.properties || below.oneOf || below.anyOf ? fold("…", () => shape(s)) : "";
  };
  const alternatives = (inner.oneOf || inner.anyOf || []).map((s) => el("li", {}, "either ", el("code", {}, typeOf(follow(s))), deeper(s)));
  const members = Object.entries(inner.properties || {}).map(([k, s]) => el("li", {},
    el("code", {}, k), (inner.required || []).includes(k) ? el("span", { class: "must", title: "required" }, "*") : "",
    " ", el("span", { class: "note" }, typeOf(follow(s))), " ", s.description || follow(s).description || "", deeper(s)));
  return el("ul", { class: "tree" }, ...members, ...alternatives);
}

function example(content) {
  if (!content) return undefined;
  if (content.example !== undefined) return content.example;
  const first = Object.values(content.examples || {})[0];
  return first && follow(first).value;
}

function field(p) {
  const schema = follow(p.schema || {});
  const attributes = { name: p.name, "data-in": p.in, required: p.required, "aria-label": p.name, placeholder: p.example ?? schema.default ?? "" };
  if (!schema.enum) return el("input", attributes);
  return el("select", attributes, el("option", { value: "" }, ""), ...schema.enum.map((v) => el("option", { value: v }, String(v))));
}

// send sends what the form holds and shows what came back.
async function send(event, method, path, mount, answer) {
  event.preventDefault();
  const query = new URLSearchParams();
  const headers = {};
  let body;
  for (const input of event.target.elements) {
    if (!input.value) continue;
    if (input.dataset.in === "path") path = path.replace("{" + input.name + "}", input.value.split("/").map(encodeURIComponent).join("/"));
    if (input.dataset.in === "query") query.set(input.name, input.value);
    if (input.dataset.in === "header") headers[input.name] = input.value;
    if (input.dataset.in === "body") { body = input.value; headers["Content-Type"] = "application/json"; }
  }
  if (key) headers.Authorization = "Bearer " + key;
  answer.textContent = "…";
  try {
    const response = await fetch(mount + path + (query.size ? "?" + query : ""), { method, headers, body, credentials: "omit", redirect: "error" });
    let text = await response.text();
    if ((response.headers.get("Content-Type") || "").includes("json")) text = JSON.stringify(JSON.parse(text), null, 2);
    const lines = [...response.headers].map(([k, v]) => k + ": " + v).join("\n");
    answer.textContent = response.status + " " + response.statusText + "\n" + lines + "\n\n" + text.slice(0, 200000);
  } catch (e) {
    answer.textContent = "No answer: " + e.message;
  }
}

function operation(path, method, op, item) {
  const parameters = [...(item.parameters || []), ...(op.parameters || [])].map(follow);
  const content = op.requestBody && follow(op.requestBody).content["application/json"];
  const mount = (item.servers || api.servers)[0].url.replace(/\/$/, "");
  const answer = el("pre", { "aria-live": "polite" });
  const sample = example(content);
  const form = el("form", { onsubmit: (e) => send(e, method.toUpperCase(), path, mount, answer) },
    parameters.length ? el("table", {}, ...parameters.map((p) => el("tr", {},
      el("td", {}, el("code", {}, p.name), p.required ? el("span", { class: "must" }, "*") : ""),
      el("td", {}, field(p)),
      el("td", {}, el("span", { class: "note" }, p.in + " " + typeOf(follow(p.schema || {}))), " ", p.description || "")))) : "",
    content ? el("textarea", { "data-in": "body", "aria-label": "body", spellcheck: "false" }, sample === undefined ? "{}" : JSON.stringify(sample, null, 2)) : "",
    el("div", { class: "bar" }, el("button", {}, "Send")));
  const responses = Object.entries(op.responses).map(([status, r]) => {
    const media = Object.entries(follow(r).content || {});
    return fold([el("code", {}, status), " ", follow(r).description || ""],
      () => media.map(([type, c]) => el("div", {}, el("code", {}, type), c.schema ? shape(c.schema) : "")));
  });
  return el("section", { id: op.operationId },
    el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), el("code", {}, path), op.summary || ""),
    ...prose(op.description),
    content ? fold("Body", () => shape(content.schema)) : "",
    fold("Answers", () => responses),
    el("details", {}, el("summary", {}, "Try it"), form, answer));
}

function render() {
  const main = document.getElementById("main");
  const nav = document.getElementById("nav");
  const secret = el("input", { type: "password", autocomplete: "off", "aria-label": "API key", placeholder: "sk_live_…", oninput: (e) => { key = e.target.value.trim(); } });
  main.replaceChildren(el("h1", {}, api.info.title), ...prose(api.info.description),
    el("div", { class: "bar" }, el("span", {}, "API key, for Try it; it stays in this page:"), secret));
  nav.replaceChildren(el("a", { href: "openapi.json" }, "openapi.json"));
  for (const tag of api.tags) {
    nav.append(el("h2", {}, tag.name));
    main.append(el("h2", {}, tag.name), el("p", {}, tag.description || ""));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of ["get", "post", "put", "patch", "delete"]) {
        const op = item[method];
        if (!op || !(op.tags || []).includes(tag.name)) continue;
        nav.append(el("a", { href: "#" + op.operationId }, el("span", { class: "method" }, method.toUpperCase()), path));
        main.append(operation(path, method, op, item));
      }
    }
  }
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

fetch("openapi.json").then((r) => r.json()).then((document_) => { api = document_; render(); })
  .catch((e) => { document.getElementById("state").textContent = "The description could not be loaded: " + e.message; });
