import { app } from 'electron';
import path from 'node:path';
import { z } from 'zod';
import type { Place } from '../api/places.ts';
import { linkScheme, placeOfLink, placeOfPath, placesOf } from './given.ts';

/** What this process was started with: a development build is given to Electron as its first argument. */
const ownArguments = (): string[] => process.argv.slice(app.isPackaged ? 1 : 2);

const sentSchema = z.strictObject({ given: z.array(z.string()).max(1000) });

/** Links and files that the application is opened with: at its start, by a second start, or by the system. */
export class Openings {
  #waiting: Place[] = [];
  #go: ((place: Place) => void) | undefined;

  /**
   * To be called before the application is ready: macOS tells then what it was started for.
   * @param show brings the window up
   * @returns whether this is the only application: a second one has told the first what it was started with
   */
  claim(show: () => void): boolean {
    // Its own arguments, since Chromium reorders those that a second application is told of.
    if (!app.requestSingleInstanceLock({ given: ownArguments() })) return false;
    app.on('second-instance', (_event, _argv, folder, sent) => {
      show();
      const { data } = sentSchema.safeParse(sent);
      this.#open(data ? placesOf(data.given, folder) : []);
    });
    app.on('open-url', (event, link) => {
      event.preventDefault();
      show();
      this.#open([placeOfLink(link)]);
    });
    app.on('open-file', (event, file) => {
      event.preventDefault();
      show();
      this.#open([placeOfPath(file)]);
    });
    this.#open(placesOf(ownArguments(), process.cwd()));
    return true;
  }

  /**
   * The studio is there: links lead here from now on.
   * @param go is told where they lead
   */
  deliverTo(go: (place: Place) => void): void {
    // A development build is started by Electron's own binary, which links would open without it.
    if (app.isPackaged) app.setAsDefaultProtocolClient(linkScheme);
    else app.setAsDefaultProtocolClient(linkScheme, process.execPath, [path.resolve(process.argv[1] ?? '')]);
    this.#go = go;
    this.#open(this.#waiting.splice(0));
  }

  #open(places: readonly Place[]): void {
    if (this.#go) places.forEach(this.#go);
    else this.#waiting.push(...places);
  }
}
