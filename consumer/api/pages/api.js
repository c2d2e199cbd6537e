// Gives RapiDoc the colours that the system prefers, and schemas that fit the width of the page.
// RapiDoc itself shows openapi.json.

const COLOURS = {
  light: { "bg-color": "#ffffff", "text-color": "#1f2937", "primary-color": "#1d4ed8", "header-color": "#1f2937" },
  dark: { "bg-color": "#111827", "text-color": "#e5e7eb", "primary-color": "#93c5fd", "header-color": "#111827" },
};

const api = document.getElementById("api");
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 48rem)");

function fit() {
  const theme = dark.matches ? "dark" : "light";
  for (const [name, colour] of Object.entries(COLOURS[theme])) {
    api.setAttribute(name, colour);
  }
  api.setAttribute("theme", theme);
  api.setAttribute("schema-style", narrow.matches ? "tree" : "table");
}

fit();
dark.addEventListener("change", fit);
narrow.addEventListener("change", fit);
