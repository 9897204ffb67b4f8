import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The gateway that the development server stands in front of. */
const gateway = process.env['GATEWAY'] ?? 'http://127.0.0.1:8000';

/** Every HTML file at the top of the client is a page. */
const pages = readdirSync(here).filter((name) => name.endsWith('.html'));

/** The development server's answer to the addresses that the gateway serves in production. */
function pageAddresses(): Plugin {
  const entries: [RegExp, string][] = [
    [/^\/$/, 'lobby'],
    [/^\/room\/[^/]+$/, 'room'],
    [/^\/studio(\/[^/]+)?$/, 'studio'],
    [/^\/schedule$/, 'schedule'],
    [/^\/orders$/, 'orders'],
    [/^\/orders\/[^/]+$/, 'order'],
    [/^\/guest\/[^/]+$/, 'guest'],
    [/^\/merchant(\/.*)?$/, 'merchant'],
    [/^\/console$/, 'console'],
    [/^\/signin$/, 'signin'],
    [/^\/pay\/wechat$/, 'wechat'],
  ];
  return {
    name: 'page-addresses',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path = '/', query] = (request.url ?? '/').split('?');
        const page = entries.find(([pattern]) => pattern.test(path))?.[1];
        if (page) request.url = `/${page}.html${query ? `?${query}` : ''}`;
        next();
      });
    },
  };
}

/** Stands where the head names the files of the languages. */
const TEXTS = '<!-- texts -->';

/** Names each language's file in the head, where `start-v1.js` finds the one that is read; a desk's page has its own. */
function textFiles(): Plugin {
  return {
    name: 'text-files',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle }) => {
        const part = html.includes('data-texts="desk"') ? 'desk' : 'index';
        const named = Object.values(bundle ?? {}).flatMap((file) => {
          const id = file.type === 'chunk' ? (file.facadeModuleId ?? '') : '';
          const [, language, holds] = /\/texts\/([^/]+)\/(index|desk)\.ts$/.exec(id) ?? [];
          return language && holds === part
            ? [`<meta name="texts-${language}" content="/${file.fileName}" />`]
            : [];
        });
        return html.replace(TEXTS, named.join('\n    '));
      },
    },
  };
}

/** Puts the head that all pages share in front of each page's own. */
function sharedHead(): Plugin {
  const head = [
    '<meta charset="utf-8" />',
    '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content" />',
    '<meta name="color-scheme" content="light dark" />',
    '<link rel="icon" href="/favicon.svg" type="image/svg+xml" />',
    TEXTS,
    '<script src="/assets/start-v1.js"></script>',
  ].join('\n    ');
  return {
    name: 'shared-head',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace('<head>', `<head>\n    ${head}`),
    },
  };
}

export default defineConfig({
  plugins: [svelte(), pageAddresses(), sharedHead(), textFiles()],
  appType: 'mpa',
  build: {
    outDir: `${here}../../livecommerce/static`,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2022',
    rolldownOptions: {
      input: pages.map((name) => `${here}${name}`),
    },
  },
  server: {
    // The gateway takes requests with a session only from its own origin.
    proxy: Object.fromEntries(
      ['/api', '/ws', '/sandbox'].map((path) => [
        path,
        { target: gateway, ws: path === '/ws', headers: { origin: gateway } },
      ]),
    ),
  },
});
