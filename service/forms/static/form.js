// The form to try: its key stands behind the # of the address.
(function () {
  "use strict";
  var told = document.getElementById("told"), form = document.querySelector("form");
  var key = location.hash.slice(1);
  if (!key) { told.textContent = "Open this page as the demo prints it, with a key behind the #."; return; }
  window.addEventListener("goodfit:decision", function (event) {
    var said = event.detail, shown = form.querySelectorAll("[data-goodfit-question]:not([hidden])").length;
    told.textContent = "Verdict: " + said.verdict + (said.next.message ? " · " + said.next.message : "")
      + (said.next.url ? " · leads to " + said.next.url : "") + " · " + shown + " of 3 questions asked"
      + (said.id ? " · " + said.id : "");
  });
  // A real page would be left now, with the verdict in two hidden fields.
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  var script = document.createElement("script");
  script.src = "/embed/v1.js";
  script.dataset.key = key;
  document.head.appendChild(script);
})();
