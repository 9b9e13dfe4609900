/** In place of a dataset's name in a model that was imported. */
export const noData = 'none: imported';
