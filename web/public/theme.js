(function () {
  try {
    var theme = localStorage.getItem("darkroom.theme");
    var language = localStorage.getItem("darkroom.language");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    if (language === "it" || language === "en") document.documentElement.lang = language;
  } catch {
    // No storage: the system's theme.
  }
})();
