// Where the page begins.

import "./page";
