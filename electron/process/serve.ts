import fs from 'node:fs';
import path from 'node:path';
import { type RunningServer, startServer } from '../api/transports/server.ts';
import { UserError } from '../base/errors.ts';
import { packageFile } from '../base/paths.ts';
import type { ServeAt } from './messages.ts';
import type { Studio } from '../studio/studio.ts';

/** Serves a studio to browsers. @throws UserError when the page is not built, or the port is taken */
export async function serveStudio(studio: Studio, at: ServeAt): Promise<RunningServer> {
  const pages = packageFile('dist/renderer');
  if (!fs.existsSync(path.join(pages, 'index.html'))) {
    throw new UserError("The studio's page is not built: run `npm run build` and try again.");
  }
  return startServer({ ...at, pages, context: { studio } });
}
