import './base.css';
import './runs.css';
import './launch.css';
import './schedules.css';
import './costs.css';
import './detail.css';
import './card.css';
