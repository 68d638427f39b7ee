// Runs before the first paint: the theme that was chosen, or the system's. The key is the one unfold keeps it under.
(() => {
  "use strict";
  const root = document.documentElement;
  const chosen = () => (localStorage.getItem("_x_adminTheme") || "").replaceAll('"', "");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const dark = chosen() === "dark" || (chosen() !== "light" && system.matches);
    root.classList.toggle("dark", dark);
    root.classList.toggle("light", !dark);
  };
  apply();
  system.addEventListener("change", apply);
})();
