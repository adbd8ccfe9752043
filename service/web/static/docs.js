// Starts Swagger UI on our own description; in a file of its own, because the page's
// content security policy allows no script in the page.
(function () {
  "use strict";
  var place = document.getElementById("api");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.openapi,
    deepLinking: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
})();
