export default {
  'studio.title': 'Studio',
  'studio.lead': 'Choose a show to prepare or go live with.',
  'studio.failed': 'Your shows could not be loaded',
};
