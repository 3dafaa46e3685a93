import SuperviseSystem

Program.main()
