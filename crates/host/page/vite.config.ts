// Builds the page into one file that loads nothing: `index.html` with its script inside.

import { defineConfig, type Plugin } from "vite";

/** Puts the script into the page, where the program replaces NONCE by the nonce of its policy. */
function singleFile(): Plugin {
  return {
    name: "single-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const scripts = Object.values(bundle).filter((output) => output.type === "chunk");
      const page = Object.values(bundle).find((output) => output.fileName === "index.html");
      const [script] = scripts;
      if (page?.type !== "asset" || script === undefined || Object.keys(bundle).length !== 2) {
        this.error(`expected one page and one script, not ${Object.keys(bundle).join(", ")}`);
      }
      const code = script.code.trim().replaceAll("</script", "<\\/script");
      const reference = /[ \t]*<script [^>]*src=[^>]*><\/script>\n?/;
      const html = String(page.source);
      if (!reference.test(html)) this.error("the page does not refer to its script");
      // After the body's elements; by a function, because code may hold what `replace` gives a meaning.
      page.source = html
        .replace(reference, "")
        .replace("</body>", () => `<script type="module" nonce="NONCE">${code}</script>\n</body>`);
      delete bundle[script.fileName];
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [singleFile()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
