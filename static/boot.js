// Runs before the first paint, so that a dark page never flashes white.
(() => {
  for (const name of ["theme", "accent"]) {
    try {
      const kept = localStorage.getItem(`axon-${name}`);
      if (kept) document.documentElement.dataset[name] = kept;
    } catch {
      // a browser that keeps nothing gets the system's colours
    }
  }
})();
