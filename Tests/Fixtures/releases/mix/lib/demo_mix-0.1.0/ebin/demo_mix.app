{application,demo_mix,
             [{applications,[kernel,stdlib,elixir,logger]},
              {description,"demo_mix"},
              {modules,['Elixir.DemoMix','Elixir.DemoMix.Application']},
              {registered,[]},
              {vsn,"0.1.0"},
              {mod,{'Elixir.DemoMix.Application',[]}}]}.
