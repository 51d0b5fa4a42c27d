// The offline shell: the page opens although the server is away, and says so. Data is never kept.

const CACHE = "axon-%VERSION%";
const FILES = JSON.parse('%FILES%');

self.addEventListener("install", (event) => {
  const fill = caches.open(CACHE).then((cache) => cache.addAll(["/", ...FILES]));
  event.waitUntil(fill.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const clean = caches.keys().then((names) =>
    Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))));
  event.waitUntil(clean.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match("/", { cacheName: CACHE })));
  } else if (url.pathname.startsWith("/v/")) {
    // The address changes with the content: what is kept is what would come.
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
