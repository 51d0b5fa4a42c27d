// @ts-check
// Begins the page: the shell does the rest.

import "./components/axon-shell.js";

if ("serviceWorker" in navigator && window.isSecureContext) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/sw.js").catch(() => {
      // the page works without; it only does not open while the server is away
    });
  });
}
