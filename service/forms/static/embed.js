// Goodfit on a web page. No cookie, no storage, no fingerprint; needs nothing else.
// Whatever goes wrong here or at the service, the visitor's form goes through.
(function () {
  "use strict";
  if (window.goodfit) return;
  var tag = document.currentScript || document.querySelector("script[data-key][src*='/embed/']");
  var set = (tag && tag.dataset) || {};
  var api = set.api || (tag && tag.src ? new URL(tag.src, location.href).origin : location.origin);
  var limit = Math.min(Math.max(parseInt(set.timeout, 10) || 1500, 100), 5000);
  var loaded = Date.now();
  var TRAP = "website_2";
  var VERDICTS = ["qualify", "review", "disqualify", "undecided"];
  var pageVisit = { id: null };
  var map = {};
  (set.map || "").split(",").forEach(function (pair) {
    var two = pair.split(":");
    if (two[1]) map[two[0].trim()] = two[1].trim();
  });
  function unknown() {
    return { id: null, verdict: "unknown", next: { action: null, url: null, message: null }, missing: [] };
  }
  // A listener that can fail without anybody noticing.
  function safe(work) {
    return function (event) {
      try { return work(event); } catch (error) { return undefined; }
    };
  }
  function send(path, options) {
    // Resolves with the answer or null, never later than the limit, and never fails.
    if (!set.key) return Promise.resolve(null);
    return new Promise(function (resolve) {
      var stop = typeof AbortController === "function" ? new AbortController() : null;
      var timer = setTimeout(function () {
        resolve(null);
        if (stop) try { stop.abort(); } catch (error) { /* it was over */ }
      }, options.limit || limit);
      function end(value) { clearTimeout(timer); resolve(value); }
      try {
        fetch(api + path, {
          method: "POST", mode: "cors", credentials: "omit", body: options.body,
          headers: options.headers || {}, signal: stop ? stop.signal : undefined
        }).then(function (answer) {
          if (!answer.ok) return end(null);
          return answer.json().then(function (told) { end({ told: told, head: answer.headers }); });
        }).catch(function () { end(null); });
      } catch (error) { end(null); }
    });
  }
  function plain(path, fields) {
    return send("/v1/forms/" + encodeURIComponent(set.key) + path, { body: new URLSearchParams(fields) });
  }
  function isAnswer(told) {
    return told && VERDICTS.indexOf(told.verdict) >= 0 && told.next && Array.isArray(told.missing);
  }
  // The promise always resolves; `verdict` is `unknown` where there is no answer.
  function qualify(facts, options) {
    options = options || {};
    var held = options.visit || pageVisit;
    var seen = [held.id || "new", "mode=" + (options.mode || "other")];
    if (options.fields) seen.push("fields=" + options.fields);
    if (options.shown) seen.push("shown=" + options.shown);
    if (options.elapsed != null) seen.push("ms=" + Math.max(0, Math.round(options.elapsed)));
    if (options.trapped) seen.push("trap");
    var question = { final: !!options.final };
    var source = options.source || set.source;
    if (source) question.source = String(source).slice(0, 100);
    if (options.externalId) question.external_id = String(options.externalId);
    question[set.subject === "account" ? "account" : "lead"] = facts || {};
    try {
      return send("/v1/qualify", {
        limit: Math.min(options.timeout || limit, 5000),
        body: JSON.stringify(question),
        headers: {
          "Authorization": "Bearer " + set.key,
          "Content-Type": "application/json",
          "Goodfit-Visit": seen.join(";")
        }
      }).then(function (answer) {
        if (!answer || !isAnswer(answer.told)) return unknown();
        held.id = answer.head.get("Goodfit-Visit") || held.id;
        return answer.told;
      }).catch(unknown);
    } catch (error) { return Promise.resolve(unknown()); }
  }

  // --- what a form says -------------------------------------------------------------------
  function attributeOf(field) {
    var name = field.name || "";
    return field.dataset.goodfitAttribute || map[name] || name.replace(/^0-\d+\//, "");
  }
  function isAsked(field) {
    if (field.disabled || field.dataset.goodfitSkip != null || field.name === TRAP) return false;
    if (field.dataset.goodfitAttribute) return true;
    if (/^(password|file|hidden|submit|button|reset|image)$/.test(field.type)) return false;
    return field.name && field.tagName !== "TEXTAREA" && field.tagName !== "BUTTON"
      && field.tagName !== "FIELDSET" && !/(^| )cc-/.test(field.autocomplete || "");
  }
  function factsOf(form) {
    var facts = {};
    Array.prototype.forEach.call(form.elements, function (field) {
      if (!isAsked(field)) return;
      var name = attributeOf(field), value = field.value;
      if (field.type === "radio" || field.type === "checkbox") {
        if (!field.checked) return;
        var alike = form.elements[field.name];
        if (field.type === "checkbox" && alike && alike.length > 1) value = (facts[name] || []).concat(value);
      } else if (field.tagName === "SELECT" && field.multiple) {
        value = Array.prototype.map.call(field.selectedOptions, function (one) { return one.value; });
        if (!value.length) return;
      }
      if (value !== "") facts[name] = value;
    });
    return facts;
  }
  function put(form, name, value) {
    var field = form.querySelector("[name='" + name + "'],[name$='/" + name + "']");
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      form.appendChild(field);
    }
    field.value = value == null ? "" : value;
    // Forms that keep their own copy of every value hear of it.
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function allowed(url) {
    try {
      if (!url) return null;
      var to = new URL(url, location.href);
      var isOurs = url.charAt(0) === "/" && to.origin === location.origin;
      return isOurs || (url.charAt(0) !== "/" && to.protocol === "https:") ? to.href : null;
    } catch (error) { return null; }
  }
  function tell(told, form) {
    try {
      window.dispatchEvent(new CustomEvent("goodfit:decision", {
        detail: { id: told.id, verdict: told.verdict, next: told.next, form: form || null }
      }));
      if (Array.isArray(window.dataLayer)) {
        window.dataLayer.push({ event: "goodfit_decision", verdict: told.verdict, decision_id: told.id });
      }
    } catch (error) { /* whoever listens must not stop the form */ }
  }

  // --- a form with data-goodfit -----------------------------------------------------------
  var states = new WeakMap();
  function stateOf(form) {
    var state = states.get(form);
    if (!state) {
      state = { visit: { id: null }, opening: null, isBusy: false, isGone: false, shown: 0, turn: 0 };
      states.set(form, state);
      addTrap(form);
      state.live = document.createElement("div");
      state.live.setAttribute("role", "status");
      state.live.setAttribute("aria-live", "polite");
      hide(state.live);
      form.appendChild(state.live);
    }
    return state;
  }
  function hide(element) {
    element.style.cssText = "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;"
      + "clip-path:inset(50%);white-space:nowrap";
  }
  function addTrap(form) {
    if (form.elements[TRAP]) return;
    var around = document.createElement("div"), field = document.createElement("input");
    field.name = TRAP;
    field.type = "text";
    field.tabIndex = -1;
    field.autocomplete = "off";
    around.setAttribute("aria-hidden", "true");
    hide(around);
    around.appendChild(field);
    form.appendChild(around);
  }
  function has(form, mode) {
    return (form.dataset.goodfitMode || set.mode || "submit").split(/\s+/).indexOf(mode) >= 0;
  }
  function modeOf(form) {
    return ["progressive", "redirect"].filter(function (mode) { return has(form, mode); })[0] || "submit";
  }
  function sourceOf(form) { return form.dataset.goodfitSource || set.source || ""; }
  function questionsOf(form) {
    return Array.prototype.slice.call(form.querySelectorAll("[data-goodfit-question]"));
  }
  function countOf(form) { return questionsOf(form).length || Object.keys(namesOf(form)).length; }
  function namesOf(form) {
    var names = {};
    Array.prototype.forEach.call(form.elements, function (field) {
      if (isAsked(field)) names[attributeOf(field)] = true;
    });
    return names;
  }
  function open(form) {
    var state = stateOf(form);
    if (!state.opening) {
      var fields = { mode: modeOf(form), fields: countOf(form) };
      if (sourceOf(form)) fields.source = sourceOf(form);
      state.opening = plain("/visits", fields).then(function (answer) {
        if (answer && answer.told.visit && !state.visit.id) state.visit.id = answer.told.visit;
      });
    }
    return state.opening;
  }
  function ask(form, final, facts) {
    var state = stateOf(form), trap = form.elements[TRAP];
    return qualify(facts || factsOf(form), {
      final: final, visit: state.visit, mode: modeOf(form), source: sourceOf(form),
      externalId: form.dataset.goodfitExternalId,
      fields: countOf(form), shown: state.shown || undefined,
      elapsed: final ? Date.now() - loaded : undefined, trapped: !!(trap && trap.value)
    });
  }
  function go(form, submitter) {
    // While a browser still tells of the first try it ignores a second: so not at once.
    setTimeout(function () {
      var state = stateOf(form), trap = form.elements[TRAP];
      state.isGone = true;
      state.isHeard = false;
      form.removeAttribute("aria-busy");
      if (trap) trap.disabled = true;
      try {
        form.requestSubmit(submitter && submitter.form === form ? submitter : undefined);
        if (!state.isHeard && form.checkValidity()) HTMLFormElement.prototype.submit.call(form);
      } catch (error) {
        HTMLFormElement.prototype.submit.call(form);
      }
      state.isGone = state.isBusy = false;
      if (trap) setTimeout(function () { trap.disabled = false; }, 0);
    }, 0);
  }
  function deliver(form) {
    // Only what a browser promises to send after the page is left lets us leave it.
    var method = form.getAttribute("method") || "get", type = form.getAttribute("enctype") || "";
    if (method.toLowerCase() !== "post" || !navigator.sendBeacon) return false;
    var data = new FormData(form);
    data.delete(TRAP);
    var isPlain = type.indexOf("multipart") < 0;
    return navigator.sendBeacon(form.getAttribute("action") || location.href, isPlain ? new URLSearchParams(data) : data);
  }
  function finish(form, told, submitter) {
    try {
      if (!keepIn(stateOf(form).hub, told)) {
        put(form, "goodfit_verdict", told.verdict);
        put(form, "goodfit_decision_id", told.id);
      }
      tell(told, form);
      var url = has(form, "redirect") && allowed(told.next && told.next.url);
      if (url && form.dataset.goodfitHubspot == null && deliver(form)) {
        location.assign(url);
        return;
      }
      stateOf(form).url = url || null;
    } catch (error) { /* then it goes through as it is */ }
    go(form, submitter);
  }
  document.addEventListener("submit", safe(function (event) {
    var form = event.target;
    if (!form || !form.matches || !form.matches("form[data-goodfit]") || event.defaultPrevented) return;
    var state = stateOf(form);
    state.isHeard = true;
    if (state.isGone) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (state.isBusy) return;
    state.isBusy = true;
    var submitter = event.submitter;
    try {
      form.setAttribute("aria-busy", "true");
      state.live.textContent = form.dataset.goodfitWait || "One moment";
      ask(form, true).then(
        function (told) { finish(form, told, submitter); },
        function () { finish(form, unknown(), submitter); }
      );
    } catch (error) { finish(form, unknown(), submitter); }
  }), true);
  document.addEventListener("focusin", safe(function (event) {
    var form = event.target && event.target.form;
    if (form && form.matches && form.matches("form[data-goodfit]") && event.target.name !== TRAP) open(form);
  }), true);
  window.addEventListener("pageshow", safe(function (event) {
    if (!event.persisted) return;
    Array.prototype.forEach.call(document.querySelectorAll("form[data-goodfit]"), function (form) {
      stateOf(form).isBusy = false;
      form.removeAttribute("aria-busy");
    });
  }));

  // --- progressive: one question at a time, and only one that still matters ---------------
  function setShown(question, isShown) {
    question.hidden = !isShown;
    // A hidden field that is required would keep the form from being sent.
    Array.prototype.forEach.call(question.querySelectorAll("input,select,textarea"), function (field) {
      field.disabled = !isShown;
    });
  }
  function showAll(form) {
    questionsOf(form).forEach(function (question) { setShown(question, true); });
    stateOf(form).shown = questionsOf(form).length;
  }
  function showNext(form, missing) {
    var state = stateOf(form), questions = questionsOf(form);
    var open = questions.filter(function (one) { return one.hidden; });
    for (var i = 0; i < missing.length; i++) {
      var next = open.filter(function (one) { return one.dataset.goodfitQuestion === missing[i].attribute; })[0];
      if (!next) continue;
      var shown = questions.filter(function (one) { return !one.hidden; }).pop();
      if (state.last && state.last.parentNode === next.parentNode) {
        next.parentNode.insertBefore(next, state.last.nextSibling);
      } else if (shown && !state.last && shown.parentNode === next.parentNode) {
        next.parentNode.insertBefore(next, shown.nextSibling);
      }
      var words = next.querySelector("[data-goodfit-words]") || next.querySelector("legend,label");
      if (words && missing[i].ask && !words.querySelector("input,select,textarea")) words.textContent = missing[i].ask;
      setShown(next, true);
      state.last = next;
      state.shown += 1;
      state.live.textContent = missing[i].ask || missing[i].label || "";
      if (document.activeElement === document.body && state.shown > 1) {
        var field = next.querySelector("input,select,textarea");
        if (field) field.focus();
      }
      return true;
    }
    return false;
  }
  function begin(form) {
    var state = stateOf(form);
    if (state.isBegun || !has(form, "progressive")) return;
    state.isBegun = true;
    questionsOf(form).forEach(function (question) { setShown(question, false); });
    form.setAttribute("aria-busy", "true");
    plain("/questions", {}).then(safe(function (answer) {
      form.removeAttribute("aria-busy");
      if (!answer || !Array.isArray(answer.told.missing)) return showAll(form);
      if (!showNext(form, answer.told.missing)) state.isSettled = true;
    }));
    form.addEventListener("change", safe(function (event) {
      var field = event.target;
      if (!isAsked(field) || state.isSettled || state.isBusy) return;
      var turn = ++state.turn, known = factsOf(form);
      open(form).then(function () { return ask(form, false, known); }).then(safe(function (told) {
        // An answer to an older question says nothing about what is known now.
        if (turn !== state.turn || state.isBusy) return;
        if (told.verdict === "unknown") return showAll(form);
        if (told.verdict !== "undecided") {
          state.isSettled = true;
          state.live.textContent = form.dataset.goodfitEnough || "Thank you, that is all we ask";
          return;
        }
        // What is being typed was not asked about yet: its question still waits.
        var waiting = questionsOf(form).filter(function (one) {
          var name = one.dataset.goodfitQuestion;
          if (one.hidden || name in known) return false;
          var matters = told.missing.some(function (m) { return m.attribute === name; });
          if (!matters && !isAnswered(one, form)) { setShown(one, false); state.shown -= 1; }
          return matters;
        });
        if (!waiting.length) showNext(form, told.missing);
      }));
    }));
  }
  function isAnswered(question, form) {
    return question.dataset.goodfitQuestion in factsOf(form);
  }

  // --- HubSpot: the new editor's events, and the older embed's callbacks --------------------
  var wanted = set.hubspot == null ? null : set.hubspot.split(",").map(function (id) { return id.trim(); }).filter(Boolean);
  function isWanted(id) { return wanted && (!wanted.length || wanted.indexOf(id) >= 0); }
  function factsIn(pairs) {
    var facts = {};
    (Array.isArray(pairs) ? pairs : Object.keys(pairs || {}).map(function (name) {
      return { name: name, value: pairs[name] };
    })).forEach(function (pair) {
      var name = map[pair.name] || String(pair.name).replace(/^0-\d+\//, "");
      if (pair.value !== "" && pair.value != null) facts[name] = pair.value;
    });
    return facts;
  }
  function afterwards(facts) {
    return qualify(facts, { final: true, mode: (set.mode || "").indexOf("redirect") >= 0 ? "redirect" : "submit" })
      .then(function (told) {
        tell(told, null);
        var url = (set.mode || "").split(/\s+/).indexOf("redirect") >= 0 && allowed(told.next.url);
        if (url) location.assign(url);
        return told;
      });
  }
  function newForm(event) {
    var all = window.HubSpotFormsV4 || window.HubspotFormsV4;
    var hub = all && all.getFormFromEvent(event);
    return hub && isWanted(hub.getFormId && hub.getFormId()) ? hub : null;
  }
  function keepIn(hub, told) {
    if (!hub || !hub.setFieldValue) return false;
    ["0-1/", ""].forEach(function (prefix) {
      try {
        hub.setFieldValue(prefix + "goodfit_verdict", [told.verdict]);
        hub.setFieldValue(prefix + "goodfit_decision_id", [told.id || ""]);
      } catch (error) { /* the form has no such field */ }
    });
    return true;
  }
  function formOf(id) {
    var mark = "[data-form-id='" + CSS.escape(id) + "']";
    return document.querySelector("form" + mark + "," + mark + " form,form#hsForm_" + CSS.escape(id));
  }
  // A form on this page is asked before HubSpot sends it, like any other; one in a frame after.
  function adopt(id, hub) {
    var form = formOf(id);
    if (!form) return;
    form.dataset.goodfit = form.dataset.goodfitHubspot = "";
    stateOf(form).hub = hub || stateOf(form).hub;
    begin(form);
  }
  // Those that were ready before this script was.
  function adoptAll() {
    var all = window.HubSpotFormsV4 || window.HubspotFormsV4 || {};
    var hubs = all.getForms ? Array.prototype.slice.call(all.getForms() || []) : [];
    var forms = document.querySelectorAll("form[data-form-id],[data-form-id] form,form[id^='hsForm_']");
    Array.prototype.forEach.call(forms, safe(function (form) {
      var around = form.closest("[data-form-id]");
      var id = around ? around.dataset.formId : form.id.slice("hsForm_".length);
      if (isWanted(id)) adopt(id, hubs.filter(function (hub) { return hub.getFormId() === id; })[0]);
    }));
  }
  function sent(id, values) {
    var form = formOf(id), state = form && states.get(form);
    if (!state || !("url" in state)) return Promise.resolve(values()).then(factsIn).then(afterwards);
    if (state.url) location.assign(state.url);
    return Promise.resolve();
  }
  function onNew(name, work) {
    window.addEventListener("hs-form-event:" + name, safe(function (event) {
      var hub = newForm(event);
      if (hub) work(hub);
    }));
  }
  if (wanted) {
    onNew("on-ready", function (hub) { adopt(hub.getFormId(), hub); });
    ["on-interaction:navigate", "on-interaction:navigate:next"].forEach(function (name) {
      onNew(name, function (hub) {
        Promise.resolve(hub.getFormFieldValues()).then(function (values) {
          return qualify(factsIn(values), { mode: "submit" });
        }).then(function (told) { keepIn(hub, told); }).catch(function () {});
      });
    });
    onNew("on-submission:success", function (hub) {
      sent(hub.getFormId(), function () { return hub.getFormFieldValues(); })
        .catch(function () { tell(unknown(), null); });
    });
    window.addEventListener("message", safe(function (event) {
      var data = event.data;
      if (!data || data.type !== "hsFormCallback" || !isWanted(data.id)) return;
      if (data.eventName === "onFormReady") adopt(data.id, null);
      if (data.eventName === "onFormSubmitted") {
        sent(data.id, function () { return (data.data || {}).submissionValues || {}; })
          .catch(function () { tell(unknown(), null); });
      }
    }));
  }

  function beginAll() {
    if (wanted) safe(adoptAll)();
    Array.prototype.forEach.call(document.querySelectorAll("form[data-goodfit]"), safe(begin));
  }
  window.goodfit = { qualify: qualify, start: safe(begin), allowed: allowed };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", safe(beginAll));
  else safe(beginAll)();
})();
