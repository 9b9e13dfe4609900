import fs from 'node:fs';
import path from 'node:path';
import { type RunningServer, startServer } from './api/transports/server.ts';
import { UserError } from './errors.ts';
import { packageFile } from './paths.ts';
import { Studio } from './studio/studio.ts';

export interface ServeOptions {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly exposed: boolean;
}

/** Opens a studio and serves it to browsers. @throws UserError when the page is not built, or the port is taken */
export async function serve({ home, ...where }: ServeOptions): Promise<RunningServer> {
  const pages = packageFile('dist/renderer');
  if (!fs.existsSync(path.join(pages, 'index.html'))) {
    throw new UserError("The studio's page is not built: run `npm run build` and try again.");
  }
  const studio = Studio.open(home);
  try {
    const server = await startServer({ ...where, pages, context: { studio } });
    return {
      ...server,
      async close() {
        await server.close();
        await studio.shutdown();
      },
    };
  } catch (error) {
    studio.close();
    throw error;
  }
}
